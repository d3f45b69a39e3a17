"""Which heads vLLM has a model class for (0.32), by the names that it gives them.

From `EAGLEConfig`, which puts the method's name before a head's architecture, from the speculators
library's formats, and from the registry of models.
"""

from tandem_operator.api.spec import Method

REGISTERED = frozenset({
    "Eagle3DeepseekV2ForCausalLM", "Eagle3DeepseekV3ForCausalLM", "Eagle3LlamaForCausalLM",
    "Eagle3MiniMaxM2ForCausalLM", "Eagle3Qwen2_5vlForCausalLM", "Eagle3Qwen3ForCausalLM",
    "Eagle3Qwen3vlForCausalLM", "EagleCohereForCausalLM", "EagleDeepSeekMTPModel",
    "EagleLlama4ForCausalLM", "EagleLlamaForCausalLM", "EagleMiniCPMForCausalLM",
    "EagleMistralForCausalLM", "EagleMistralLarge3ForCausalLM", "LlamaForCausalLMEagle3",
    "PEagleDraftModel", "PeagleLlamaForCausalLM", "PeagleQwen3ForCausalLM",
})  # fmt: skip
SPECULATORS = frozenset({"eagle3", "peagle"})
SPECULATORS_LAYERS = frozenset({"llama", "qwen3"})
"""Values of `speculators_model_type` that vLLM reads for the methods of this operator."""


def name_of(method: Method, architecture: str) -> str:
    """What vLLM calls a head of this architecture under the method."""
    if method is Method.EAGLE:
        return architecture if architecture.startswith("Eagle") else f"Eagle{architecture}"
    if architecture.startswith("Eagle3") or architecture.endswith("Eagle3"):
        return architecture
    return f"Eagle3{architecture}"
