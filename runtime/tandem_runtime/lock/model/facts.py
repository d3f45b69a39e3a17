"""The facts of one side that engines judge by, for the pair report."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from tandem_runtime.contract import head_keys
from tandem_runtime.contract.engines import attention
from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.lock.draft import mtp_layers
from tandem_runtime.lock.model import context_length, kv_cache, missing_weights
from tandem_runtime.lock.verdict.inspect import Side

_DEFAULTS = (
    "min_p", "temperature", "top_k", "top_p", "repetition_penalty", "presence_penalty",
    "frequency_penalty",
)  # fmt: skip
"""What of generation_config.json engines take as defaults of a request."""
_STATES = ("mamba", "linear_attention", "ssm", "recurrent", "conv", "gdn", "kda")
_STATE_KEYS = (
    "mamba_d_state", "mamba_d_conv", "ssm_state_size", "linear_num_value_heads",
    "linear_attn_config", "full_attention_interval", "attn_layer_period", "mamba_num_heads",
    "hybrid_override_pattern",
)  # fmt: skip
_MEDUSA = ("medusa_num_heads", "num_heads", "num_medusa_heads")
_QUANTIZATION_FILES = {
    "quantize_config.json": "gptq",
    "quant_config.json": "awq",
    "hf_quant_config.json": "modelopt",
}
_QUANTIZATION = ("quantization_config", "compression_config")


def of(side: Side) -> ModelFacts:
    """What the side's files say. Pure."""
    config = side.config
    kind = side.kind.kind
    if config is None:
        return ModelFacts(
            kind=None if kind is None else kind.name,
            weights=_weights(side),
        )
    text = kv_cache.of_text(config)
    declared = mtp_layers.declared(config)
    share = attention.rotary_share(text)
    return ModelFacts(
        kind=None if kind is None else kind.name,
        model_type=_text(config.get("model_type")),
        text_type=_text(text_type(config)),
        speculators=_text(config.get("speculators_model_type")),
        context_length=context_length.read(config),
        mtp_layers=declared or None,
        mtp_layers_in_files=mtp_layers.in_files(config, side.tensor_names) if declared else None,
        medusa_heads=_medusa_heads(config) if kind is not None and kind.name == "Medusa" else None,
        attention_heads=_count(config, kv_cache.HEADS),
        kv_heads=None if text.get("kv_lora_rank") else _count(config, ("num_key_value_heads",)),
        intermediate_size=_count(config, ("intermediate_size",)),
        quantization=quantization(config) or _by_file(side.names),
        hybrid=_hybrid(text),
        weights=_weights(side),
        activation=_text(text.get("hidden_act") or text.get("hidden_activation")),
        rope_type=attention.rope(text)["rope_type"],
        rotary_share=None if share == 1.0 else round(share, 6),
        sliding_window=attention.sliding_window(text),
        kv_values_per_token=kv_cache.values_per_token(config),
        head_keys=head_keys.present(config),
        generation_defaults=_defaults(side.generation or {}),
    )


def text_type(config: Mapping[str, Any]) -> object:
    """`model_type` of the innermost language model, or of a head's layer; None: nothing nested."""
    layer = config.get("transformer_layer_config")
    if isinstance(layer, Mapping):
        return layer.get("model_type")
    levels = kv_cache.levels(config)
    return levels[-1].get("model_type") if len(levels) > 1 else None


def quantization(config: Mapping[str, Any]) -> str | None:
    """The method in which the weights are stored, as config.json names it; None for none.

    `unnamed` where it describes a quantization without a method.
    """
    text = kv_cache.of_text(config)
    for holder in (config, text):
        for key in _QUANTIZATION:
            declared = holder.get(key)
            if not isinstance(declared, Mapping) or not declared:
                continue
            producer = declared.get("producer")
            named = declared.get("quant_method") or (
                producer.get("name") if isinstance(producer, Mapping) else None
            )
            return str(named).lower() if named else "unnamed"
    return None


def _by_file(names: Collection[str]) -> str | None:
    """The method, where a file of its own describes it beside config.json."""
    return next((method for name, method in _QUANTIZATION_FILES.items() if name in names), None)


def _weights(side: Side) -> str | None:
    """Unknown for a single file: its folder was never inspected."""
    alone = len(side.names) == 1 and side.config is None
    return None if alone or not side.names else missing_weights.format_of(side.names)


def _medusa_heads(config: Mapping[str, Any]) -> int | None:
    counts = [config[key] for key in _MEDUSA if type(config.get(key)) is int and config[key] > 0]
    return counts[0] if counts else None


def _count(config: Mapping[str, Any], keys: Collection[str]) -> int | None:
    """The first of these that is a count, of the text or of a head's layer."""
    layer = config.get("transformer_layer_config")
    values = kv_cache.of_text(layer if isinstance(layer, Mapping) else config)
    counts = [values[key] for key in keys if type(values.get(key)) is int and values[key] > 0]
    return counts[0] if counts else None


def _hybrid(text: Mapping[str, Any]) -> bool:
    """Whether layers with a state of fixed size stand beside, or instead of, attention."""
    types = text.get("layer_types") or text.get("layers_block_type")
    if isinstance(types, list) and any(
        any(word in str(each) for word in _STATES) for each in types
    ):
        return True
    return any(text.get(key) is not None for key in _STATE_KEYS) or "mamba" in str(
        text.get("model_type")
    )


def _defaults(generation: Mapping[str, Any]) -> dict[str, float]:
    return {
        key: round(generation[key], 6)
        for key in _DEFAULTS
        if type(generation.get(key)) in (int, float)
        and math.isfinite(generation[key])
        and abs(generation[key]) < 1e12
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
