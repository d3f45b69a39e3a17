"""vLLM: stock images with the plugin mounted beside."""

from tandem_operator.engines.vllm.driver import DRIVER

__all__ = ["DRIVER"]
