"""The driver of each engine."""

from tandem_operator.api.spec import EngineType
from tandem_operator.engines import neuron, sglang, tensorrt_llm, torch, vllm
from tandem_operator.engines.driver import Driver

DRIVERS: dict[EngineType, Driver] = {
    EngineType.VLLM: vllm.DRIVER,
    EngineType.TENSORRT_LLM: tensorrt_llm.DRIVER,
    EngineType.SGLANG: sglang.DRIVER,
    EngineType.NEURON: neuron.DRIVER,
    EngineType.TORCH: torch.DRIVER,
}


def driver(engine: EngineType) -> Driver:
    """The driver of an engine; every engine has one, if only to refuse."""
    return DRIVERS[engine]
