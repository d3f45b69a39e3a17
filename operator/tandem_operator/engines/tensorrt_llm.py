"""TensorRT-LLM."""

from tandem_operator.api.spec import EngineType
from tandem_operator.engines.series import Series
from tandem_operator.engines.unsupported import UnsupportedDriver

DRIVER = UnsupportedDriver(
    EngineType.TENSORRT_LLM,
    Series(("trtllm_",), "num_requests_running", "num_requests_waiting"),
)
