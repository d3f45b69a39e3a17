"""Keys of `speculation.engineConfig` for SGLang (0.5.23): each is an option of its command line."""

from collections.abc import Callable, Mapping
from typing import Any

from tandem_operator.api.spec import Method
from tandem_operator.engines.sglang.methods import ADAPTIVE, METHODS

ADAPTIVE_KEY = "adaptive"
"""The only key that is no option of its own: the operator renders SGLang's file of tiers."""

Check = tuple[Callable[[Any], bool], str]


def _one_of(*values: str) -> Check:
    return (lambda value: value in values, " or ".join(values))


_SWITCH: Check = (lambda value: isinstance(value, bool), "true or false")
_TEXT: Check = (lambda value: isinstance(value, str) and value != "", "a string")
_COUNT: Check = (
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1,
    "an integer of at least 1",
)
_WITH_MODEL = frozenset(METHODS) - {Method.N_GRAM}

KEYS: Mapping[str, tuple[Check, frozenset[Method]]] = {
    ADAPTIVE_KEY: (_SWITCH, ADAPTIVE),
    "attention_mode": (_one_of("prefill", "decode"), _WITH_MODEL),
    "draft_attention_backend": (_TEXT, _WITH_MODEL),
    "draft_kv_cache_dtype": (
        _one_of("auto", "fp8_e5m2", "fp8_e4m3", "bf16", "bfloat16"),
        _WITH_MODEL,
    ),
    "draft_model_quantization": (_TEXT, _WITH_MODEL),
    "draft_window_size": (_COUNT, ADAPTIVE),
    "moe_a2a_backend": (_TEXT, _WITH_MODEL),
    "moe_runner_backend": (_TEXT, _WITH_MODEL),
    "ngram_capacity": (_COUNT, frozenset({Method.N_GRAM})),
    "ngram_max_trie_depth": (_COUNT, frozenset({Method.N_GRAM})),
    "use_rejection_sampling": (_SWITCH, ADAPTIVE),
}
"""The user's keys, without `speculative_`: how a value is checked, and the methods it is for."""

_UNFAITHFUL = "remove it; it accepts drafts that the target does not confirm"
_TREE = "remove it; K is counted along one line of drafts"
OWNED = {
    "algorithm": "set spec.speculation.method",
    "draft_model_path": "set spec.draft.uri",
    "draft_model": "set spec.draft.uri",
    "draft_model_revision": "set spec.draft.revision",
    "draft_load_format": "use safetensors weights",
    "num_steps": "set spec.speculation.maxTokens",
    "num_draft_tokens": "set spec.speculation.maxTokens",
    "eagle_topk": _TREE,
    "ngram_min_bfs_breadth": _TREE,
    "ngram_max_bfs_breadth": _TREE,
    "adaptive_config": "set adaptive: true; the operator renders the file",
    "accept_threshold_single": _UNFAITHFUL,
    "accept_threshold_acc": _UNFAITHFUL,
    "token_map": "use an EAGLE-3 head, whose own files hold its vocabulary",
    "ngram_external_corpus_path": "remove it; the pod mounts no such file",
}
"""Keys that are the operator's, or that would make an answer another one; what to do instead."""


def plain(key: str) -> str:
    """A key as the tables have it: dashes as underscores, without `speculative_`."""
    return key.replace("-", "_").removeprefix("speculative_")
