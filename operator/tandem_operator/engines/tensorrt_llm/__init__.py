"""TensorRT-LLM, by itself (`trtllm-serve`) or in Triton: what it can do, and how a pod is made."""

from tandem_operator.engines.tensorrt_llm.driver import DRIVER

__all__ = ["DRIVER"]
