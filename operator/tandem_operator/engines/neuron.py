"""AWS Neuron (vLLM's own page)."""

from tandem_operator.api.spec import EngineType
from tandem_operator.engines.metrics.reader import Series, SeriesReader
from tandem_operator.engines.unsupported import UnsupportedDriver

DRIVER = UnsupportedDriver(
    EngineType.NEURON,
    SeriesReader(
        ("vllm:",),
        running=Series(("vllm:num_requests_running",)),
        waiting=Series(("vllm:num_requests_waiting",)),
    ),
)
