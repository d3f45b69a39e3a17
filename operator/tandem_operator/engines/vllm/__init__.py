"""vLLM: stock images with the plugin mounted beside."""

from tandem_operator.engines.vllm.driver import DRIVER
from tandem_operator.engines.vllm.series import SERIES

__all__ = ["DRIVER", "SERIES"]
