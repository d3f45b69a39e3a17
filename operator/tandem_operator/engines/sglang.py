"""SGLang."""

from tandem_operator.api.spec import EngineType
from tandem_operator.engines.metrics.reader import Series, SeriesReader
from tandem_operator.engines.unsupported import UnsupportedDriver

DRIVER = UnsupportedDriver(
    EngineType.SGLANG,
    SeriesReader(
        ("sglang:",),
        running=Series(("sglang:num_running_reqs",)),
        waiting=Series(("sglang:num_queue_reqs",)),
    ),
)
