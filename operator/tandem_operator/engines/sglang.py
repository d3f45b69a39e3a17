"""SGLang."""

from tandem_operator.api.spec import EngineType
from tandem_operator.engines.series import Series
from tandem_operator.engines.unsupported import UnsupportedDriver

DRIVER = UnsupportedDriver(
    EngineType.SGLANG,
    Series(("sglang:",), "num_running_reqs", "num_queue_reqs"),
)
