"""Of which kind a draft is: what its configuration says, and what its tensors show."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.lock.draft import draft_kinds
from tandem_runtime.lock.draft.draft_kinds import (
    ADAPTER,
    HEADS,
    MODEL,
    UNKNOWN,
    WITHOUT_TEXT,
    DraftKind,
)
from tandem_runtime.lock.model.weights import Tensor

ADAPTER_CONFIG = "adapter_config.json"
_ADAPTER_WEIGHTS = "adapter_model."
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
_ALIKE = ({"Eagle3", "PEagle"}, {"DFlash", "DSpark"}, {"Eagle", "MTP"})
"""Kinds whose tensors cannot be told apart: the configuration's word counts."""
_READ_SEVERAL = ("Eagle3", "PEagle")
_ATTENTION = re.compile(r"layers\.\d+\.self_attn\.")


@dataclass(frozen=True)
class Kind:
    """`kind` is None where nothing is known; `contradiction` is what files disagree on."""

    kind: DraftKind | None = None
    contradiction: str | None = None


NOT_KNOWN = Kind()


def of(
    config: Mapping[str, Any] | None,
    tensors: Mapping[str, Tensor],
    names: Collection[str],
    has_tokenizer: bool,
) -> Kind:
    """The kind of one model. Pure.

    Args:
        config: config.json, None where there is none.
        tensors: of its weights by name; empty where they are not known.
        names: of its files.
        has_tokenizer: whether it brings one of its own.
    """
    if is_adapter(tensors, names):
        return Kind(ADAPTER)
    declared = _of_config(config or {})
    seen = _of_tensors(tensors)
    if declared in HEADS:
        if seen in HEADS and seen != declared and _contradicts(declared, seen, tensors):
            return Kind(
                declared,
                f"config.json describes {declared.title}, its tensors are those of {seen.title}",
            )
        return Kind(declared)
    if seen in HEADS:
        return Kind(seen)
    if declared == UNKNOWN:
        # The new name of an ordinary model, perhaps: that has a tokenizer and its own layers.
        if not has_tokenizer or _named_draft(config or {}):
            return Kind(UNKNOWN)
        return Kind(seen)
    if declared == MODEL and not tensors and not has_tokenizer:
        # Many EAGLE heads are published as a Llama of one layer; here nothing shows the difference.
        return Kind(None)
    return Kind(declared or seen)


def is_adapter(tensors: Mapping[str, Tensor], names: Collection[str]) -> bool:
    """Whether a folder holds an adapter and no model beside it."""
    if ADAPTER_CONFIG not in names:
        return False
    others = [
        name for name in names if name.endswith(_WEIGHTS) and not name.startswith(_ADAPTER_WEIGHTS)
    ]
    whole = [name for name in tensors if ".lora_" not in name and "lora_magnitude" not in name]
    return not others or (bool(tensors) and not whole)


def _of_config(config: Mapping[str, Any]) -> DraftKind | None:
    if not config:
        return None
    speculators = _speculators(config)
    if speculators:
        kinds = [kind for kind in HEADS if speculators in kind.speculators]
        return kinds[0] if kinds else UNKNOWN
    architectures = config.get("architectures")
    named = [str(each) for each in architectures] if isinstance(architectures, list) else []
    model_type = str(config.get("model_type") or "")
    by_name = _by_name(named, model_type) or _by_key(config)
    if by_name is not None:
        parallel = by_name.name == "Eagle3" and _has_mask(config)
        return draft_kinds.KINDS["PEagle"] if parallel else by_name
    pattern = MODEL.architectures
    assert pattern is not None
    if any(pattern.search(name) for name in named) or (not named and model_type):
        return MODEL
    without_text = WITHOUT_TEXT.architectures
    assert without_text is not None
    if any(without_text.search(name) for name in named):
        return WITHOUT_TEXT
    return UNKNOWN if named else None


def _by_name(architectures: list[str], model_type: str) -> DraftKind | None:
    for kind in HEADS:
        if kind.architectures and any(kind.architectures.search(each) for each in architectures):
            return kind
    for kind in HEADS:
        if kind.model_types and kind.model_types.fullmatch(model_type):
            return kind
    return None


def _by_key(config: Mapping[str, Any]) -> DraftKind | None:
    return next(
        (kind for kind in HEADS if any(config.get(key) is not None for key in kind.keys)), None
    )


def _speculators(config: Mapping[str, Any]) -> str | None:
    """The algorithm that a config of the speculators library names, None where it names none."""
    speculators = config.get("speculators_config")
    nested = speculators.get("algorithm") if isinstance(speculators, Mapping) else None
    named = config.get("speculators_model_type") or nested
    return str(named).lower() if named else None


def _has_mask(config: Mapping[str, Any]) -> bool:
    return any(type(config.get(key)) is int for key in ("pard_token", "ptd_token_id"))


def _named_draft(config: Mapping[str, Any]) -> bool:
    architectures = config.get("architectures")
    return isinstance(architectures, list) and any(
        draft_kinds.sounds_like_a_draft(str(each)) for each in architectures
    )


def _of_tensors(tensors: Mapping[str, Tensor]) -> DraftKind | None:
    if not tensors:
        return None
    for kind in HEADS:
        if kind.tensors and any(kind.tensors.match(name) for name in tensors):
            wide = kind.name == "Eagle" and _reads_several_layers(tensors)
            return draft_kinds.KINDS["Eagle3"] if wide else kind
    pattern = MODEL.tensors
    assert pattern is not None
    return MODEL if any(pattern.match(name) for name in tensors) else UNKNOWN


def _reads_several_layers(tensors: Mapping[str, Tensor]) -> bool:
    """Whether `fc` takes more than a token and one hidden state: three layers make it EAGLE-3's."""
    for prefix in ("", "model.", "draft_model.", "eagle_module."):
        weight = tensors.get(f"{prefix}fc.weight")
        if weight is not None and len(weight.shape) == 2 and weight.shape[0]:
            return weight.shape[1] >= 3 * weight.shape[0]
    return False


def _reads_one_layer(tensors: Mapping[str, Tensor]) -> bool:
    """Whether this is EAGLE's whole head: `fc` joins a token with one hidden state, and its layer
    reads what comes of that alone."""
    weight = tensors.get("fc.weight")
    return (
        weight is not None
        and len(weight.shape) == 2
        and weight.shape[1] == 2 * weight.shape[0] > 0
        and any(_ATTENTION.match(name) for name in tensors)
    )


def _contradicts(declared: DraftKind, seen: DraftKind, tensors: Mapping[str, Tensor]) -> bool:
    """Whether tensors rule out what the configuration says.

    A projection of several layers alone is what many heads have; only EAGLE's has two parts.
    """
    if any({declared.name, seen.name} <= group for group in _ALIKE):
        return False
    if declared.name in _READ_SEVERAL and seen.name == "Eagle" and _reads_one_layer(tensors):
        return True
    shown = seen.tensors is not None and any(seen.tensors.match(name) for name in tensors)
    return declared.name == "Eagle" or (shown and seen.name != "Eagle")
