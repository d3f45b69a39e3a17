"""The project's own engine."""

from tandem_operator.api.spec import EngineType
from tandem_operator.engines.series import Series
from tandem_operator.engines.unsupported import UnsupportedDriver

DRIVER = UnsupportedDriver(
    EngineType.TORCH,
    Series(("vllm:",), "num_requests_running", "num_requests_waiting"),
)
