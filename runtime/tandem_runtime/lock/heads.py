"""Heads (EAGLE, Medusa): drafts without a tokenizer, made for one target that they declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract.request import Attestation
from tandem_runtime.lock import grade, trimmed_vocabulary
from tandem_runtime.lock.grade import Grade
from tandem_runtime.lock.look import Side

METHODS = ("Eagle", "Eagle3", "Medusa")
_ARCHITECTURE_WORDS = ("eagle", "medusa", "speculator", "hydra")
_MODEL_TYPES = ("eagle", "eagle3", "medusa", "mlp_speculator")
_AUXILIARY = "eagle_aux_hidden_state_layer_ids"


@dataclass(frozen=True)
class Declaration:
    """The target that a head's files name. `revision` is None where they name none."""

    name: str
    revision: str | None = None


def is_head(config: Mapping[str, Any] | None) -> bool:
    """Whether a config.json describes a head rather than a model of its own."""
    if config is None:
        return False
    architectures = config.get("architectures")
    named = " ".join(map(str, architectures)).lower() if isinstance(architectures, list) else ""
    return (
        "speculators_config" in config
        or "speculators_model_type" in config
        or "medusa_num_heads" in config
        or config.get("model_type") in _MODEL_TYPES
        or any(word in named for word in _ARCHITECTURE_WORDS)
    )


def declared(config: Mapping[str, Any]) -> Declaration | None:
    """The target that a head's config.json declares, None where it declares none."""
    speculators = config.get("speculators_config")
    verifier = speculators.get("verifier") if isinstance(speculators, Mapping) else None
    if isinstance(verifier, Mapping) and isinstance(verifier.get("name_or_path"), str):
        revision = verifier.get("revision")
        return Declaration(
            verifier["name_or_path"], revision if isinstance(revision, str) else None
        )
    for key in ("base_model_name_or_path", "target_model_name_or_path", "base_model"):
        if isinstance(config.get(key), str) and config[key]:
            return Declaration(config[key])
    return None


def pair(
    target: Side,
    head: Side,
    names: Iterable[str],
    revision: str | None,
    attested: Attestation | None,
) -> Grade:
    """Judge a readable head against its target.

    Args:
        names: under which the target is known: its URI, the name it is served under.
        revision: commit or content digest of the target.
        attested: what the user states, used only where the head declares nothing.
    """
    config = head.config or {}
    wrong = misfit(target, config)
    if wrong is None and head.trimmed is not None:
        wrong = trimmed_vocabulary.misfit(
            head.trimmed, config.get("draft_vocab_size"), target.model.vocab_size
        )
    if wrong is not None:
        return Grade(grade.INCOMPATIBLE, "DeclaredTargetDiffers", f"the head does not fit: {wrong}")
    stated = declared(config)
    said = "declares"
    if stated is None and attested is not None:
        stated, said = Declaration(attested.uri, attested.revision), "is attested for"
    if stated is None:
        return Grade(
            grade.UNKNOWN,
            "NoTokenizer",
            "the head has no tokenizer and declares no target",
            advice="name the target it was trained for in tokenizerLock.attestedTarget",
        )
    known = {_plain(name) for name in (*names, *_bases(target.config or {}))}
    if _plain(stated.name) not in known:
        return Grade(
            grade.INCOMPATIBLE,
            "DeclaredTargetDiffers",
            f"the head {said} {stated.name!r}; the target is {' or '.join(sorted(known))}",
            advice="use a head that was trained for this target",
        )
    if stated.revision is not None and stated.revision != revision:
        return Grade(
            grade.INCOMPATIBLE,
            "DeclaredTargetDiffers",
            f"the head {said} revision {stated.revision!r}; the target has {revision!r}",
        )
    return Grade(grade.COMPATIBLE, "DeclaredTarget", f"the head {said} this target")


def misfit(target: Side, config: Mapping[str, Any]) -> str | None:
    """What of the head's dimensions contradicts the target, None for nothing that is known."""
    layer = config.get("transformer_layer_config")
    inner = layer if isinstance(layer, Mapping) else {}
    model = target.model
    hidden = config.get("target_hidden_size") or config.get("hidden_size")
    hidden = hidden or inner.get("hidden_size")
    if hidden is not None and model.hidden_size is not None and hidden != model.hidden_size:
        return f"hidden size {hidden}, the target has {model.hidden_size}"
    rows = config.get("target_vocab_size") or config.get("vocab_size") or inner.get("vocab_size")
    if rows is not None and model.vocab_size is not None and rows != model.vocab_size:
        return f"a target vocabulary of {rows}, the target has {model.vocab_size}"
    trimmed = config.get("draft_vocab_size")
    if trimmed is not None:
        if type(trimmed) is not int or trimmed < 1:
            return f"draft_vocab_size is {str(trimmed)[:20]!r}"
        if model.vocab_size is not None and trimmed > model.vocab_size:
            return f"draft_vocab_size {trimmed}, the target has {model.vocab_size} rows"
    nested = config.get("eagle_config")
    auxiliary = config.get(_AUXILIARY)
    if auxiliary is None and isinstance(nested, Mapping):
        auxiliary = nested.get(_AUXILIARY)
    if auxiliary is not None and model.layers is not None:
        if not isinstance(auxiliary, list) or not all(type(each) is int for each in auxiliary):
            return f"{_AUXILIARY} is no list of layers"
        beyond = [each for each in auxiliary if not 0 <= each <= model.layers]
        if beyond:
            return f"it reads layer {beyond[0]}, the target has {model.layers}"
    return None


def _bases(config: Mapping[str, Any]) -> list[str]:
    """Models that the target's own config.json names as what it was made from."""
    values = (config.get(key) for key in ("base_model_name_or_path", "_name_or_path"))
    return [value for value in values if isinstance(value, str) and value]


def _plain(name: str) -> str:
    """A repository's name as hubs compare it: no scheme, no trailing slash, lower case."""
    return name.removeprefix("hf://").rstrip("/").lower()
