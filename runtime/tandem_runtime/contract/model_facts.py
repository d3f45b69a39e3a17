"""What the lock reads of a model for the engine's own rules: a part of each side of a pair report.

Facts alone: what an engine makes of them is judged by its driver in the operator. In JSON a fact
that is not known is left out, so that a report stays short and one of an earlier form is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tandem_runtime.contract import fields

WEIGHT_FORMATS = ("safetensors", "gguf", "pickle", "none")
MAX_TEXT = 48


@dataclass(frozen=True)
class ModelFacts:
    """None means unknown, never equal and never "no".

    `kind` is a word of the lock's vocabulary of draft kinds (`Model` for an ordinary one, `Unknown`
    where nothing that is known fits). `model_type` is that of the whole config.json, `text_type`
    that of the language model nested in it, or of a head's layer. `speculators` is the algorithm of
    a head in the speculators library's format. `context_length` counts tokens. `mtp_layers` are
    those that config.json declares, `mtp_layers_in_files` those whose tensors are in the files.
    `generation_defaults` are the numbers of generation_config.json that an engine may take as
    defaults of every request. `weights` is one of WEIGHT_FORMATS. `activation` is the MLP's,
    `rope_type` the kind of rotary embedding. `sliding_window` counts tokens; it and `rotary_share`
    (of a head's dimensions) are left out where every layer sees all tokens and every dimension
    turns. `kv_values_per_token` are the numbers that one more token adds to the cache.
    `kv_heads` are left out where keys and values share a latent vector, `intermediate_size` is the
    MLP's. `head_keys` are the names of `contract/head_keys.py` that config.json gives a value.
    """

    kind: str | None = None
    model_type: str | None = None
    text_type: str | None = None
    speculators: str | None = None
    context_length: int | None = None
    mtp_layers: int | None = None
    mtp_layers_in_files: int | None = None
    medusa_heads: int | None = None
    attention_heads: int | None = None
    kv_heads: int | None = None
    intermediate_size: int | None = None
    quantization: str | None = None
    hybrid: bool | None = None
    weights: str | None = None
    activation: str | None = None
    rope_type: str | None = None
    rotary_share: float | None = None
    sliding_window: int | None = None
    kv_values_per_token: int | None = None
    head_keys: tuple[str, ...] | None = None
    generation_defaults: Mapping[str, float] = field(default_factory=dict)


UNKNOWN = ModelFacts()
_TEXTS = {
    "kind": "kind",
    "modelType": "model_type",
    "textType": "text_type",
    "speculators": "speculators",
    "quantization": "quantization",
    "weights": "weights",
    "activation": "activation",
    "ropeType": "rope_type",
}
_COUNTS = {
    "contextLength": "context_length",
    "mtpLayers": "mtp_layers",
    "mtpLayersInFiles": "mtp_layers_in_files",
    "medusaHeads": "medusa_heads",
    "attentionHeads": "attention_heads",
    "kvHeads": "kv_heads",
    "intermediateSize": "intermediate_size",
    "slidingWindow": "sliding_window",
    "kvValuesPerToken": "kv_values_per_token",
}


def to_document(facts: ModelFacts) -> dict[str, Any]:
    """The facts that are known, as JSON values; texts are cut to MAX_TEXT characters."""
    document: dict[str, Any] = {}
    for key, name in _TEXTS.items():
        text = getattr(facts, name)
        document[key] = None if text is None else text[:MAX_TEXT]
    for key, name in _COUNTS.items():
        document[key] = getattr(facts, name)
    document["hybrid"] = facts.hybrid
    document["rotaryShare"] = facts.rotary_share
    document["headKeys"] = None if facts.head_keys is None else list(facts.head_keys)
    document["generationDefaults"] = dict(facts.generation_defaults) or None
    return {key: value for key, value in document.items() if value is not None}


def from_document(value: object) -> ModelFacts:
    """The facts in a decoded document; all unknown where there is none. Raises ContractError."""
    if value is None:
        return UNKNOWN
    holder = fields.document(value, "facts")
    known: dict[str, Any] = {
        name: fields.optional_text(holder, key) for key, name in _TEXTS.items()
    }
    known |= {name: fields.optional_count(holder, key) for key, name in _COUNTS.items()}
    hybrid = None if holder.get("hybrid") is None else fields.boolean(holder, "hybrid")
    share = holder.get("rotaryShare")
    return ModelFacts(
        hybrid=hybrid,
        rotary_share=None if share is None else _number("rotaryShare", share),
        head_keys=_names(holder),
        generation_defaults=_numbers(holder),
        **known,
    )


def _numbers(holder: dict[str, Any]) -> dict[str, float]:
    value = holder.get("generationDefaults")
    if value is None:
        return {}
    numbers = fields.document(value, "generationDefaults")
    return {key: _number(f"generationDefaults.{key}", each) for key, each in numbers.items()}


def _names(holder: dict[str, Any]) -> tuple[str, ...] | None:
    value = holder.get("headKeys")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        fields.refuse("headKeys", value, "a list of names")
    return tuple(value)


def _number(key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        fields.refuse(key, value, "a number")
    return value
