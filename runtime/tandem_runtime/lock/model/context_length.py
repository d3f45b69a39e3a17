"""How many tokens of context a model's configuration allows, as engines derive it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tandem_runtime.lock.model import kv_cache

_KEYS = (
    "max_position_embeddings", "n_positions", "max_seq_len", "seq_length", "max_target_positions",
    "max_sequence_length", "max_seq_length", "seq_len",
)  # fmt: skip
_OVERRIDE = "model_max_length"
_ALREADY_SCALED = (
    "default", "su", "longrope", "llama3", "yarn", "deepseek_yarn", "deepseek_llama_scaling",
)  # fmt: skip
_ROPE = ("rope_scaling", "rope_parameters")
_MOST = 1 << 40


def read(config: Mapping[str, Any] | None) -> int | None:
    """Tokens, None where the configuration does not say.

    The smallest of the published keys, times the factor of a RoPE scaling that is not in the
    number already; what LongRoPE was trained for, not what it can be stretched to.
    """
    if config is None:
        return None
    layer = config.get("transformer_layer_config")
    values = kv_cache.of_text(layer if isinstance(layer, Mapping) else config)
    counts = [values[key] for key in _KEYS if _is_count(values.get(key))]
    length = values[_OVERRIDE] if _is_count(values.get(_OVERRIDE)) else min(counts, default=None)
    if length is None:
        return None
    factor = 1.0
    for rope in _rope(values):
        kind = rope.get("rope_type") or rope.get("type") or "default"
        if kind == "longrope" and _is_count(values.get("original_max_position_embeddings")):
            return int(values["original_max_position_embeddings"])
        value = rope.get("factor")
        if kind not in _ALREADY_SCALED and isinstance(value, int | float) and 0 < value < _MOST:
            factor = float(value)
    if "gemma3" in str(values.get("model_type")):
        factor = 1.0
    return min(int(length * factor), _MOST)


def _rope(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name in _ROPE:
        value = config.get(name)
        if not isinstance(value, Mapping):
            continue
        nested = [each for each in value.values() if isinstance(each, Mapping)]
        yield from nested if nested and len(nested) == len(value) else [value]


def _is_count(value: object) -> bool:
    return type(value) is int and 0 < value <= _MOST
