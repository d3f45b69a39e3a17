"""Which heads vLLM has a model class for (0.32), by the names that it gives them.

From `EAGLEConfig`, which puts the method's name before a head's architecture, from the speculators
library's formats, and from the registry of models.
"""

from tandem_operator.api.spec import Method
from tandem_operator.engines.vllm.facts.head_keys import IN_TARGET

METHODS = frozenset({Method.EAGLE, Method.EAGLE3, Method.DFLASH, Method.DSPARK})
"""Methods whose heads vLLM takes by such a name."""
REGISTERED = frozenset({
    "Eagle3DeepseekV2ForCausalLM", "Eagle3DeepseekV3ForCausalLM", "Eagle3LlamaForCausalLM",
    "Eagle3MiniMaxM2ForCausalLM", "Eagle3Qwen2_5vlForCausalLM", "Eagle3Qwen3ForCausalLM",
    "Eagle3Qwen3vlForCausalLM", "EagleCohereForCausalLM", "EagleDeepSeekMTPModel",
    "EagleLlama4ForCausalLM", "EagleLlamaForCausalLM", "EagleMiniCPMForCausalLM",
    "EagleMistralForCausalLM", "EagleMistralLarge3ForCausalLM", "LlamaForCausalLMEagle3",
    "PEagleDraftModel", "PeagleLlamaForCausalLM", "PeagleQwen3ForCausalLM",
})  # fmt: skip
REGISTERED_DFLASH = frozenset({
    "DFlash2DraftModel", "DFlashDraftModel", "DFlashLagunaForCausalLM",
    "DFlashMuseGlimmerAssistantModel", "LiLiCorrDraftModel",
})  # fmt: skip
WITH_CANDIDATES = frozenset({"DFlash2DraftModel", "LiLiCorrDraftModel", "dflash2"})
"""Architectures, and the type of speculators, that `VllmConfig` refuses to model runner V1."""
DSPARK = frozenset({
    "DSparkDraftModel", "Gemma4DSparkModel", "K3DSparkModel", "Qwen3DSparkModel",
    "Qwen3OmniDSparkModel",
})  # fmt: skip
DSPARK_IN_TARGET = frozenset({"deepseek_v4", "deepseek_v41"})
"""Targets of which vLLM takes any other DSpark head for stages of their own checkpoint."""
SPECULATORS = frozenset({"dflash", "dflash2", "dspark", "eagle3", "peagle"})
SPECULATORS_OF_ANY_LAYER = frozenset({"dflash", "dflash2", "dspark"})
SPECULATORS_LAYERS = frozenset({"llama", "qwen3"})
"""Values of `speculators_model_type` that vLLM reads for the methods of this operator."""


def has_class(method: Method, architecture: str, target_type: str | None) -> bool:
    """Whether vLLM has a class for a head of this architecture under the method."""
    if method is Method.DSPARK:
        return architecture in DSPARK or target_type in DSPARK_IN_TARGET
    known = REGISTERED_DFLASH if method is Method.DFLASH else REGISTERED
    return name_of(method, architecture) in known


def class_of(
    method: Method, architecture: str, head_type: str | None, target_type: str | None
) -> str | None:
    """The class that vLLM takes for a head, or IN_TARGET; None where it has none."""
    if not has_class(method, architecture, target_type):
        return None
    if method is not Method.DSPARK:
        return name_of(method, architecture)
    if architecture == "DSparkDraftModel":
        return "Qwen3DSparkModel" if head_type == "qwen3" else IN_TARGET
    return architecture if architecture in DSPARK else IN_TARGET


def name_of(method: Method, architecture: str) -> str:
    """What vLLM calls a head of this architecture under the method."""
    if method is Method.DFLASH:
        named = architecture.startswith("DFlash") or architecture.endswith("DFlash")
        bare = named or architecture == "LiLiCorrDraftModel"
        return architecture if bare else f"DFlash{architecture}"
    if method is Method.DSPARK:
        return architecture
    if method is Method.EAGLE:
        return architecture if architecture.startswith("Eagle") else f"Eagle{architecture}"
    if architecture.startswith("Eagle3") or architecture.endswith("Eagle3"):
        return architecture
    return f"Eagle3{architecture}"
