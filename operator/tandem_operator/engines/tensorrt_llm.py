"""TensorRT-LLM."""

from tandem_operator.api.spec import EngineType
from tandem_operator.engines.metrics.reader import Series, SeriesReader
from tandem_operator.engines.unsupported import UnsupportedDriver

DRIVER = UnsupportedDriver(
    EngineType.TENSORRT_LLM,
    SeriesReader(
        ("trtllm_",),
        running=Series(("trtllm_num_requests_running",)),
        waiting=Series(("trtllm_num_requests_waiting",)),
    ),
)
