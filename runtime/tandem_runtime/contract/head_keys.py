"""Keys of a head's config.json that one engine or another reads and has no default for.

The lock tells which of them a model has; what a missing one means is the engine's rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NESTED = ("dflash_config", "eagle_config")
NAMES = frozenset({
    "speculators_config", "speculators_model_type", "transformer_layer_config",
    "mask_token_id", "dspark_noise_token_id", "pard_token", "ptd_token_id",
    "aux_hidden_state_layer_ids", "eagle_aux_hidden_state_layer_ids", "target_layer_ids",
    "dspark_target_layer_ids", "layer_ids", "num_target_layers", "target_hidden_size",
    "markov_rank", "dspark_markov_rank", "sample_from_anchor",
    "conv_kernel_size", "conv_group_size", "selector_rank", "selector_top_k",
    "lilicorr_candidate_topk", "lilicorr_factor_dim", "lilicorr_hidden_size",
    "lilicorr_logit_scale", "lilicorr_mlp_ratio", "lilicorr_num_heads", "lilicorr_vector_eps",
})  # fmt: skip


def present(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that a config.json gives a value, sorted; nested ones as `dflash_config.mask_token_id`.

    Null, an empty list or table, and `false` give none.
    """
    found = [name for name in NAMES if _has_value(config.get(name))]
    for outer in NESTED:
        inner = config.get(outer)
        if isinstance(inner, Mapping):
            found += [f"{outer}.{name}" for name in NAMES if _has_value(inner.get(name))]
    return tuple(sorted(found))


def _has_value(value: object) -> bool:
    return value is not None and value is not False and value not in ([], {}, "")
