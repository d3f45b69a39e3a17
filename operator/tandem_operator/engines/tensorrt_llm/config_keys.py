"""Keys of `speculative_config` that are the user's, by method, and those that are not.

As in `llm_args.py` of TensorRT-LLM's release candidates of 1.3 and 1.4; its classes refuse a key
that they lack.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tandem_operator.api.spec import Method
from tandem_runtime.contract.engines.tensorrt_llm import GATES

_TREE = "remove it; K and acceptance are counted along one line of drafts"
_UNFAITHFUL = "remove it; it accepts drafts that the target does not confirm"
OWNED = {
    "decoding_type": "set spec.speculation.method",
    "speculative_model": "set spec.draft.uri",
    "speculative_model_dir": "set spec.draft.uri",
    "max_draft_len": "set spec.speculation.maxTokens",
    "max_total_draft_tokens": "set spec.speculation.maxTokens",
    "num_nextn_predict_layers": "set spec.speculation.maxTokens",
    "draft_len_schedule": "remove it; it is made of the table when a pod starts",
    "max_concurrency": "set spec.tuning.thresholds.maxConcurrency",
    "max_matching_ngram_size": "set spec.speculation.nGram.maxLookup",
    "eagle_choices": _TREE,
    "use_dynamic_tree": _TREE,
    "dynamic_tree_max_topK": _TREE,
    "max_non_leaves_per_layer": _TREE,
    "greedy_sampling": _UNFAITHFUL,
    "posterior_threshold": _UNFAITHFUL,
    "use_relaxed_acceptance_for_thinking": _UNFAITHFUL,
    "relaxed_topk": _UNFAITHFUL,
    "relaxed_delta": _UNFAITHFUL,
}
"""Keys that are the operator's, or that would make an answer another one; what to do instead."""

Check = tuple[Callable[[Any], bool], str]


def _is_switch(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_amount(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


_SWITCH: Check = (_is_switch, "true or false")
_COUNT: Check = (_is_count, "an integer of at least 0")
_AMOUNT: Check = (_is_amount, "a number of at least 0")
_LAYERS: Check = (
    lambda value: isinstance(value, list) and all(isinstance(each, int) for each in value),
    "a list of layers",
)
_AUTOMATON: Check = (
    lambda value: isinstance(value, dict) and value.keys() <= {"threshold", "enable_global_pool"},
    "an object with threshold and enable_global_pool",
)

_EVERY: Mapping[str, Check] = {
    "use_rejection_sampling": _SWITCH,
    "allow_advanced_sampling": _SWITCH,
}
_GATED: Mapping[str, Check] = {
    **_EVERY,
    **{window: _COUNT for window, _ in GATES},
    **{threshold: _AMOUNT for _, threshold in GATES},
}
KEYS: Mapping[Method, Mapping[str, Check]] = {
    Method.DRAFT_MODEL: _GATED,
    Method.EAGLE3: {
        **_GATED,
        "eagle3_one_model": _SWITCH,
        "eagle3_layers_to_capture": _LAYERS,
        "eagle3_model_arch": (lambda value: isinstance(value, str), "a string"),
        "sa_config": _AUTOMATON,
    },
    Method.MTP: {
        **_GATED,
        "use_mtp_vanilla": _SWITCH,
        "mtp_eagle_one_model": _SWITCH,
        "sa_config": _AUTOMATON,
    },
    Method.N_GRAM: {
        **_EVERY,
        "is_keep_all": _SWITCH,
        "is_use_oldest": _SWITCH,
        "is_public_pool": _SWITCH,
    },
}
"""By method: how a value is checked, and what it must be."""
