"""Heads (EAGLE, Medusa): drafts without a tokenizer, made for one target that they declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract.request import Attestation
from tandem_runtime.lock import grade, kv_cache, trimmed_vocabulary
from tandem_runtime.lock.grade import Grade
from tandem_runtime.lock.look import Side

METHODS = ("Eagle", "Eagle3", "Medusa")
_ARCHITECTURE_WORDS = ("eagle", "medusa", "speculator", "hydra", "mtp", "dflash", "dspark")
_MODEL_TYPES = ("eagle", "eagle3", "medusa", "mlp_speculator", "speculator_config")
_AUXILIARY = (
    "eagle_aux_hidden_state_layer_ids",
    "aux_hidden_state_layer_ids",
    "target_layer_ids",
)
_NESTED = ("eagle_config", "dflash_config")
_DRAFT_ROWS = ("draft_vocab_size", "truncated_vocab_size")
_OWN_LAYERS = ("num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers")
_WITH_ONE_LAYER = ("longcat_flash", "mimo_v2_flash", "qwen3_next", "step3p5")
"""Types whose published files hold such a layer though their config.json does not count it."""


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
    if wrong is None:
        wrong = _without_table(target, head, config)
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
    return Grade(
        grade.COMPATIBLE,
        "DeclaredTarget",
        f"the head {said} this target",
        advice=_unread(head, config),
    )


def misfit(target: Side, config: Mapping[str, Any]) -> str | None:
    """What of the head's dimensions contradicts the target, None for nothing that is known."""
    layer = config.get("transformer_layer_config")
    held = kv_cache.of_text(layer if isinstance(layer, Mapping) else {})
    held = {**held, **kv_cache.of_text(config)}
    model = target.model
    hidden = held.get("target_hidden_size") or held.get("hidden_size")
    if hidden is not None and model.hidden_size is not None and hidden != model.hidden_size:
        return f"hidden size {_short(hidden)}, the target has {model.hidden_size}"
    rows = held.get("target_vocab_size") or held.get("vocab_size")
    if rows is not None and model.vocab_size is not None and rows != model.vocab_size:
        return f"a target vocabulary of {_short(rows)}, the target has {model.vocab_size}"
    for name in _DRAFT_ROWS:
        trimmed = held.get(name)
        if trimmed is None:
            continue
        if type(trimmed) is not int or trimmed < 1:
            return f"{name} is {_short(trimmed)!r}"
        if model.vocab_size is not None and trimmed > model.vocab_size:
            return f"{name} {trimmed}, the target has {model.vocab_size} rows"
    return _misread(held, model.layers)


def _misread(held: Mapping[str, Any], layers: int | None) -> str | None:
    """Which layer of the target the head reads though there is none."""
    nested = [held[name] for name in _NESTED if isinstance(held.get(name), Mapping)]
    for name in _AUXILIARY:
        for holder in (held, *nested):
            read = holder.get(name)
            if read is None:
                continue
            if not isinstance(read, list) or not all(type(each) is int for each in read):
                return f"{name} is no list of layers"
            beyond = [each for each in read if each < 0 or (layers is not None and each > layers)]
            if beyond:
                return f"it reads layer {beyond[0]}, the target has {_short(layers)}"
    return None


def own_layers(config: Mapping[str, Any] | None) -> int:
    """How many layers a target has to draft for itself (MTP); 0 where it has none.

    The spellings are DeepSeek's, GLM's, ERNIE's and MiMo's `num_nextn_predict_layers`, Qwen3.5's
    `mtp_num_hidden_layers`, also below `text_config`; some types have one without a word.
    """
    if config is None:
        return 0
    held = kv_cache.of_text(config)
    for name in _OWN_LAYERS:
        count = held.get(name)
        if count is not None:
            return count if type(count) is int and count > 0 else 0
    return 1 if held.get("model_type") in _WITH_ONE_LAYER else 0


def _unread(head: Side, config: Mapping[str, Any]) -> str | None:
    """What could not be checked because a pickle is never opened."""
    if not head.pickle:
        return None
    tables = "; its tables of ids cannot be checked" if config.get("draft_vocab_size") else ""
    return (
        f"the head's weights are a pickle, which may run code when an engine loads it{tables}: "
        "use a copy in safetensors"
    )


def _without_table(target: Side, head: Side, config: Mapping[str, Any]) -> str | None:
    """A smaller vocabulary whose ids nothing leads to the target's."""
    rows, target_rows = config.get("draft_vocab_size"), target.model.vocab_size
    if head.weights is None or not head.weights.tensors or type(rows) is not int:
        return None
    if target_rows is None or rows >= target_rows or "d2t" in head.weights.tensors:
        return None
    return f"draft_vocab_size is {rows} of {target_rows}, and no table d2t says which ids they are"


def _short(value: object) -> str:
    return str(value)[:20]


def _bases(config: Mapping[str, Any]) -> list[str]:
    """Models that the target's own config.json names as what it was made from."""
    values = (config.get(key) for key in ("base_model_name_or_path", "_name_or_path"))
    return [value for value in values if isinstance(value, str) and value]


def _plain(name: str) -> str:
    """A repository's name as hubs compare it: no scheme, no trailing slash, lower case."""
    return name.removeprefix("hf://").rstrip("/").lower()
