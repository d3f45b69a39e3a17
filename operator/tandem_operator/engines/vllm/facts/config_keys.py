"""Keys of vLLM's speculative configuration (0.32) that are the user's, and their values."""

from collections.abc import Callable, Mapping
from typing import Any

from tandem_operator.engines.vllm.facts import values


def _is_switch(value: Any) -> bool:
    return value in (True, False, 0, 1) or (
        isinstance(value, str) and value.lower() in (*_ON, *_OFF)
    )


_ON = ("true", "on", "yes", "1", "t", "y")
_OFF = ("false", "off", "no", "0", "f", "n")


def _is_count(value: Any) -> bool:
    return _is_whole(value) and float(value) >= 1


def _is_whole(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().isdigit()
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, float) and value.is_integer()
    )


def _is_amount(value: Any) -> bool:
    return _is_whole(value) and float(value) >= 0


def _is_factor(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_probability(value: Any) -> bool:
    return _is_factor(value) and value <= 1


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_backend(value: Any) -> bool:
    known = isinstance(value, str) and value.upper() in values.ATTENTION_BACKENDS
    return known or str(value).lower() == "auto"


Check = tuple[Callable[[Any], bool], str]
_SWITCH: Check = (_is_switch, "true or false")
_COUNT: Check = (_is_count, "an integer of at least 1")
_TEXT: Check = (_is_text, "a string")
UNFAITHFUL = ("synthetic", "fly")
"""Ways of rejection that give another text than the target alone (`fly` from vLLM 0.33 on)."""
KEYS: Mapping[str, Check] = {
    "attention_backend": (_is_backend, "a backend of vLLM's, as FLASH_ATTN"),
    "disable_eagle_block_drop": _SWITCH,
    "disable_padded_drafter_batch": _SWITCH,
    "draft_sample_method": (
        lambda value: value in ("greedy", "probabilistic"),
        "greedy or probabilistic",
    ),
    "dspark_draft_topk": _COUNT,
    "enable_adaptive_verification": _SWITCH,
    "enforce_eager": _SWITCH,
    "index_share_for_mtp_iteration": _SWITCH,
    "kv_cache_dtype": (
        lambda value: isinstance(value, str) and value in values.CACHE_TYPES,
        f"one of {', '.join(sorted(values.CACHE_TYPES))}",
    ),
    "max_model_len": _COUNT,
    "moe_backend": (
        lambda value: isinstance(value, str) and value in values.MOE_BACKENDS,
        f"one of {', '.join(sorted(values.MOE_BACKENDS))}",
    ),
    "parallel_drafting": _SWITCH,
    "quantization": _TEXT,
    "rejection_sample_method": (
        lambda value: value in ("standard", "block", *UNFAITHFUL),
        "standard or block",
    ),
    "suffix_decoding_max_cached_requests": (_is_amount, "an integer of at least 0"),
    "suffix_decoding_max_spec_factor": (_is_factor, "a number of at least 0"),
    "suffix_decoding_max_tree_depth": _COUNT,
    "suffix_decoding_min_token_prob": (_is_probability, "a number from 0 to 1"),
    "use_heterogeneous_vocab": _SWITCH,
    "use_local_argmax_reduction": _SWITCH,
}
OPTIONAL = frozenset({
    "attention_backend", "dspark_draft_topk", "enforce_eager", "index_share_for_mtp_iteration",
    "kv_cache_dtype", "max_model_len", "moe_backend", "quantization",
})  # fmt: skip
"""Keys whose value may be null."""


def read(config: Mapping[str, Any] | None) -> dict[str, Any]:
    """The user's keys as vLLM takes them: underscores for dashes, and the value that its fields
    make of another form (`1` and `"yes"` are true, `"4096"` is 4096). A value that vLLM refuses
    stays as it is."""
    return {
        (name := key.replace("-", "_")): _taken(name, value)
        for key, value in (config or {}).items()
    }


def _taken(name: str, value: Any) -> Any:
    known = KEYS.get(name)
    if known is None or not known[0](value):
        return value
    if known is _SWITCH:
        return value.lower() in _ON if isinstance(value, str) else bool(value)
    return int(float(value)) if known is _COUNT else value
