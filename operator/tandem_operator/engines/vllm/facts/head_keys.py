"""What of a head's config.json vLLM (0.32 and 0.33) reads and has no default for.

By the format of the speculators library (`configs/speculators/algos.py`) or, for other heads, by
the class that vLLM takes for them (its `__init__`, and the speculator that drives it). Each need is
a tuple of names of which one is enough. A class that is not listed needs nothing that is named.
"""

from collections.abc import Iterator, Mapping

Need = tuple[str, ...]
_MASK: Need = (
    "mask_token_id", "dflash_config.mask_token_id", "dspark_noise_token_id", "pard_token",
    "ptd_token_id",
)  # fmt: skip
_LAYERS: Need = (
    "dflash_config.target_layer_ids", "eagle_aux_hidden_state_layer_ids", "target_layer_ids",
    "dspark_target_layer_ids", "dflash_config.layer_ids", "eagle_config.layer_ids",
)  # fmt: skip
SPECULATORS_CONFIG = "speculators_config"
"""By this vLLM knows that format."""
SPECULATORS: tuple[Need, ...] = (
    (SPECULATORS_CONFIG,),
    ("speculators_model_type",),
    ("transformer_layer_config",),
)
_OF_BLOCKS: tuple[Need, ...] = (*SPECULATORS, ("mask_token_id",), ("aux_hidden_state_layer_ids",))
_SELECTOR = ("conv_kernel_size", "conv_group_size", "selector_rank", "selector_top_k")
_LILICORR = (
    "candidate_topk", "factor_dim", "hidden_size", "logit_scale", "mlp_ratio", "num_heads",
    "vector_eps",
)  # fmt: skip

OF_SPECULATORS: Mapping[str, tuple[Need, ...]] = {
    "eagle3": SPECULATORS,
    "peagle": (*SPECULATORS, ("mask_token_id",)),
    "dflash": _OF_BLOCKS,
    "dflash2": (*_OF_BLOCKS, *((name,) for name in _SELECTOR)),
    "dspark": (*_OF_BLOCKS, ("markov_rank",)),
}
"""By `speculators_model_type`."""
IN_TARGET = "stages in the target"
OF_CLASS: Mapping[str, tuple[Need, ...]] = {
    "DFlashDraftModel": (_MASK, _LAYERS),
    "DFlashLagunaForCausalLM": (_MASK, ("dflash_config.target_layer_ids",)),
    "DFlashMuseGlimmerAssistantModel": (_MASK, _LAYERS),
    "DFlash2DraftModel": (
        _MASK, _LAYERS, *((f"dflash_config.{name}",) for name in _SELECTOR),
    ),
    "LiLiCorrDraftModel": (
        _MASK, _LAYERS, *((f"dflash_config.lilicorr_{name}",) for name in _LILICORR),
    ),
    "Qwen3DSparkModel": (_MASK, _LAYERS, ("markov_rank",)),
    "Qwen3OmniDSparkModel": (_MASK, _LAYERS, ("markov_rank",), ("target_hidden_size",)),
    "Gemma4DSparkModel": (
        _MASK, ("target_layer_ids", "dspark_target_layer_ids"), ("markov_rank",),
    ),
    "K3DSparkModel": (
        _MASK, ("target_layer_ids",), ("num_target_layers",), ("target_hidden_size",),
        ("markov_rank",),
    ),
    IN_TARGET: (_MASK, ("dspark_target_layer_ids",), ("dspark_markov_rank",)),
}  # fmt: skip
"""By the class's name in vLLM's registry; IN_TARGET for DSpark in a checkpoint of its target."""
ANCHORED = ("sample_from_anchor", "dflash_config.sample_from_anchor")
"""What a DFlash head must not ask for: drafts that begin with the last token of the target."""


def lacking(needs: tuple[Need, ...], keys: tuple[str, ...]) -> Iterator[str]:
    """What is needed and not among the keys, each by the names of which one is enough."""
    for need in needs:
        if not set(need) & set(keys):
            yield " or ".join(need[:2])
