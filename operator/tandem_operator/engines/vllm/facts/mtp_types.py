"""Which models vLLM lets draft for themselves (MTP), and with how many layers (0.32).

From `SpeculativeConfig.hf_config_override`: it turns the configuration of these models into that of
their MTP layers, also where they are named as the draft of another model.
"""

from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.contract.report import SideReport

MODEL_TYPES = frozenset({
    "bailing_hybrid", "deepseek_mtp", "deepseek_v3", "deepseek_v32", "deepseek_v4", "dots3_note",
    "ernie4_5_moe", "exaone4_5", "exaone_moe", "gemma4_assistant", "gemma4_unified_assistant",
    "glm5_next", "glm_moe_dsa", "hy_v3", "hy_v4", "inkling_mm_model", "inkling_model",
    "intern_s2_preview", "interns2_mobius", "kimi_k3", "longcat_flash", "minimax_m3_mtp",
    "minimax_m3_vl", "pangu_ultra_moe", "qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text",
    "qwen3_5_text", "qwen3_next", "qwen4_exp", "qwen4_exp_text", "step3p5", "step3p7",
})  # fmt: skip
ARCHITECTURES = frozenset({
    "BailingMoeV2_5ForCausalLM", "BailingMoeV3ForCausalLM",
    "BailingMoeV3VLForConditionalGeneration", "Glm4MoeForCausalLM", "Glm4MoeLiteForCausalLM",
    "GlmOcrForConditionalGeneration",
    "MiMoForCausalLM", "MiMoV2FlashForCausalLM", "MiMoV2ForCausalLM", "MiMoV2OmniForCausalLM",
    "MiniMaxM3MTP", "MiniMaxM3SparseForConditionalGeneration", "Step3p5ForCausalLM",
    "Step3p7ForConditionalGeneration",
})  # fmt: skip
ONLY_WITH_LAYERS = frozenset({"nemotron_h", "nemotron_h_puzzle"})
"""Types that are turned only where config.json counts at least one layer."""
_WITH_NEMOTRON_TEXT = frozenset(
    {"NemotronH_Super_Omni_Reasoning_V3", "NemotronH_Omni_Reasoning_V3"}
)
_FIRST_LAYER_ALONE = frozenset(
    {"MiMoV2FlashForCausalLM", "MiMoV2ForCausalLM", "MiMoV2OmniForCausalLM"}
)
WITH_DSPARK = "deepseek_v41"
"""Its checkpoints hold DSpark stages below `mtp`, and vLLM refuses method mtp for them."""


def turns(side: SideReport) -> bool:
    """Whether vLLM takes a model's configuration for that of MTP layers."""
    facts = side.facts
    model_type = facts.text_type if side.architecture in _WITH_NEMOTRON_TEXT else facts.model_type
    if model_type in ONLY_WITH_LAYERS:
        return bool(facts.mtp_layers)
    return (
        model_type in MODEL_TYPES
        or side.architecture in ARCHITECTURES
        or (model_type is not None and "exaone4_5" in model_type)
        or (model_type is not None and model_type.endswith("_mtp"))
    )


def layers(side: SideReport) -> int | None:
    """Layers that vLLM drafts with: K is at most that, or a multiple of it; None: any K."""
    facts: ModelFacts = side.facts
    if facts.model_type in ("gemma4_assistant", "gemma4_unified_assistant"):
        return 1
    if side.architecture in _FIRST_LAYER_ALONE:
        return 1
    return facts.mtp_layers
