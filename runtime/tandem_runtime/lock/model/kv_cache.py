"""How many numbers a model's key-value cache keeps for one more token. Pure; for model_config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LAYERS = ("num_hidden_layers", "n_layer", "num_layers")
HEADS = ("num_attention_heads", "n_head", "num_heads")
_KV_HEADS = ("num_key_value_heads", "num_kv_heads", "multi_query_group_num")
_HIDDEN = ("hidden_size", "n_embd", "d_model")
_HEAD_SIZE = ("head_dim", "attention_head_dim", "kv_channels")
_LAYER_TYPES = ("layer_types", "layers_block_type")
_WINDOW_PATTERN = ("sliding_window_pattern", "_sliding_window_pattern")
_WITHOUT_GROWTH = ("sliding", "linear", "local")
NESTED = ("text_config", "llm_config", "language_config", "thinker_config")
_DEFAULTS: Mapping[str, Mapping[str, int]] = {
    "gemma2": {"sliding_window_pattern": 2, "head_dim": 256},
    "gemma3_text": {
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "sliding_window_pattern": 6,
        "vocab_size": 262_208,
        "max_position_embeddings": 131_072,
    },
}
"""What transformers' config classes of these types assume, and published files leave out."""


def levels(config: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """A config and those nested in it for the text, outermost first."""
    configs = [config]
    while len(configs) <= len(NESTED):
        level = configs[-1]
        nested = next((level[key] for key in NESTED if isinstance(level.get(key), Mapping)), None)
        if nested is None:
            break
        configs.append(nested)
    return configs


def of_text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a config says of the language model: its own keys, then those nested for the text."""
    values: dict[str, Any] = {}
    nested = levels(config)
    for each in (_DEFAULTS.get(str(nested[-1].get("model_type")), {}), *reversed(nested)):
        values |= {key: value for key, value in each.items() if value is not None}
    return values


def values_per_token(config: Mapping[str, Any]) -> int | None:
    """Numbers that the cache grows by with each token of a long context; None where not told.

    Grouped attention keeps a key and a value for each key-value head of each layer; multi-head
    latent attention (`kv_lora_rank`, DeepSeek-V2, section 2.1) one compressed vector and one rotary
    key. A layer with a sliding window, a linear or a state-space layer keeps as much for a long
    context as for a short one and counts nothing, unless no layer of the model sees everything;
    then those with a window count. Chunked attention counts: engines keep all of its tokens.
    """
    values = of_text(config)
    layers = _positive(values, *_LAYERS)
    if layers is None:
        return None
    growing = _growing_layers(values, layers - (_positive(values, "num_kv_shared_layers") or 0))
    latent = _positive(values, "kv_lora_rank")
    if latent:
        return growing * (latent + (_positive(values, "qk_rope_head_dim") or 0))
    heads, hidden = _positive(values, *HEADS), _positive(values, *_HIDDEN)
    key = _positive(values, *_HEAD_SIZE) or (hidden // heads if hidden and heads else None)
    if not key:
        return None
    of_both = key + (_positive(values, "v_head_dim") or key)
    by_layer = _list(values, *_KV_HEADS)
    if by_layer is not None and all(type(each) is int and each >= 0 for each in by_layer):
        return int(sum(by_layer) * of_both)
    kv_heads = _positive(values, *_KV_HEADS)
    if kv_heads is None:
        kv_heads = 1 if values.get("multi_query") is True else heads
    return growing * kv_heads * of_both if kv_heads else None


def _growing_layers(values: Mapping[str, Any], layers: int) -> int:
    """Layers that keep every token."""
    layers = max(layers, 0)
    types = _list(values, *_LAYER_TYPES)
    if types is not None:
        return _of_types([str(each) for each in types[:layers]])
    pattern = values.get("hybrid_override_pattern")
    if isinstance(pattern, str):
        return pattern.count("*")
    kinds = values.get("attn_type_list")
    if isinstance(kinds, list):
        return kinds.count(1)
    linear = values.get("linear_attn_config")
    if isinstance(linear, Mapping) and isinstance(linear.get("full_attn_layers"), list):
        return len(linear["full_attn_layers"])
    interval = _positive(values, "full_attention_interval")
    if interval:
        return layers // interval
    period = _positive(values, "attn_layer_period")
    if period:
        offset = _positive(values, "attn_layer_offset") or 0
        return sum(index % period == offset for index in range(layers))
    return _beside_windows(values, layers)


def _of_types(types: list[str]) -> int:
    """`full_attention`, `attention`, `hybrid` and the like, but no windows, states or experts."""
    keeping = [each for each in types if "attention" in each or each in ("hybrid", "full")]
    growing = [each for each in keeping if not any(word in each for word in _WITHOUT_GROWTH)]
    if growing:
        return len(growing)
    return sum("linear" not in each for each in keeping)


def _beside_windows(values: Mapping[str, Any], layers: int) -> int:
    if not _positive(values, "sliding_window") or values.get("use_sliding_window") is False:
        return layers
    for name in _WINDOW_PATTERN:
        pattern = values.get(name)
        if isinstance(pattern, str) and "G" in pattern:
            return sum(pattern[index % len(pattern)] == "G" for index in range(layers))
        if type(pattern) is int and 1 < pattern <= layers:
            return layers // pattern
    if values.get("use_sliding_window") is True:
        return min(_positive(values, "max_window_layers") or 0, layers) or layers
    return layers


def _positive(values: Mapping[str, Any], *names: str) -> int | None:
    return next(
        (values[name] for name in names if type(values.get(name)) is int and values[name] > 0), None
    )


def _list(values: Mapping[str, Any], *names: str) -> list[Any] | None:
    return next((values[name] for name in names if isinstance(values.get(name), list)), None)
