"""Heads (EAGLE, Medusa, MTP): drafts made for one target, whose dimensions they must have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tandem_runtime.contract.request import Attestation
from tandem_runtime.lock.draft import declaration, trimmed_vocabulary
from tandem_runtime.lock.model import kv_cache
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict.compare import Comparison
from tandem_runtime.lock.verdict.inspect import Side

_AUXILIARY = (
    "eagle_aux_hidden_state_layer_ids",
    "aux_hidden_state_layer_ids",
    "target_layer_ids",
)
_FROM_ZERO = "target_layer_ids"
_MASKS = ("mask_token_id", "pard_token", "ptd_token_id", "dspark_noise_token_id")
_PADDING = 64
"""Rows by which engines pad a table at most."""
_PROJECTIONS = ("fc.weight", "model.fc.weight")
_PLAIN = ("BF16", "F16", "F32")
_NESTED = ("eagle_config", "dflash_config")
_HIDDEN = ("backbone_hidden_size", "target_hidden_size", "hidden_size")
"""How a head spells the target's hidden size; its own where it says nothing of the target's."""
_DRAFT_ROWS = ("draft_vocab_size", "truncated_vocab_size")


def declared(
    target: Side,
    head: Side,
    names: Iterable[str],
    revisions: Iterable[str | None],
    attested: Attestation | None,
) -> Comparison:
    """Whether a readable head was made for its target, by what both files and the user say.

    Args:
        names: under which the target is known: its URI, the name it is served under.
        revisions: of the target: its commit or content digest, and the name that was asked for.
        attested: what the user states about the target.
    """
    config = head.config or {}
    known = declaration.Target(
        tuple(names), tuple(_bases(target)), tuple(each for each in revisions if each)
    )
    stated = declaration.of_head(config, head.card_bases)
    return declaration.evaluate(stated, known, attested, advice=_unread(head, config))


def misfit(target: Side, head: Side) -> Comparison | None:
    """What of the head's dimensions contradicts the target, None for nothing that is known."""
    config = head.config or {}
    wrong = _misfit(target, config)
    if wrong is None:
        wrong = _without_table(target, head, config) or _other_count(head, config)
    if wrong is None and head.trimmed is not None:
        wrong = trimmed_vocabulary.misfit(
            head.trimmed, config.get("draft_vocab_size"), target.model.vocab_size
        )
    if wrong is None:
        return None
    return Comparison(
        compare.INCOMPATIBLE, "DeclaredTargetDiffers", f"the head does not fit: {wrong}"
    )


def _misfit(target: Side, config: Mapping[str, Any]) -> str | None:
    layer = config.get("transformer_layer_config")
    dimensions = kv_cache.of_text(layer if isinstance(layer, Mapping) else {})
    dimensions = {**dimensions, **kv_cache.of_text(config)}
    model = target.model
    for name in _HIDDEN:
        hidden = dimensions.get(name)
        if hidden is None:
            continue
        if model.hidden_size is not None and hidden != model.hidden_size:
            return f"{name} says hidden size {_short(hidden)}, the target has {model.hidden_size}"
        break
    rows = dimensions.get("target_vocab_size") or dimensions.get("vocab_size")
    if rows is not None and model.vocab_size is not None and rows != model.vocab_size:
        return f"a target vocabulary of {_short(rows)}, the target has {model.vocab_size}"
    for name in _DRAFT_ROWS:
        trimmed = dimensions.get(name)
        if trimmed is None:
            continue
        if type(trimmed) is not int or trimmed < 1:
            return f"{name} is {_short(trimmed)!r}"
        if model.vocab_size is not None and trimmed > model.vocab_size:
            return f"{name} {trimmed}, the target has {model.vocab_size} rows"
    return _misread(dimensions, model.layers) or _masked(dimensions)


def _misread(config: Mapping[str, Any], layers: int | None) -> str | None:
    """Which layer of the target the head reads though there is none."""
    for name, read in _lists(config):
        if not isinstance(read, list) or not all(type(each) is int for each in read):
            return f"{name} is no list of layers"
        # By this name layers are counted from 0, by the others from behind the first.
        most = None if layers is None else layers - (name == _FROM_ZERO)
        beyond = [each for each in read if each < 0 or (most is not None and each > most)]
        if beyond:
            return f"it reads layer {beyond[0]}, the target has {_short(layers)}"
    return None


def _lists(config: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What config.json has under a name of layers of the target."""
    for holder in _holders(config):
        for name in _AUXILIARY:
            if holder.get(name) is not None:
                yield name, holder[name]


def _holders(config: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield config
    yield from (config[name] for name in _NESTED if isinstance(config.get(name), Mapping))


def _masked(config: Mapping[str, Any]) -> str | None:
    """A mask token for which the head's table has no row, its padding counted."""
    rows = config.get("vocab_size")
    for holder in _holders(config):
        for name in _MASKS:
            token = holder.get(name)
            if type(token) is int and type(rows) is int and not 0 <= token < rows + _PADDING:
                return f"{name} is {token}, and its vocabulary has {rows} rows"
    return None


def _other_count(head: Side, config: Mapping[str, Any]) -> str | None:
    """Whether the projection joins another number of states than config.json lists layers."""
    tensors = {} if head.weights is None else head.weights.tensors
    projection = next((tensors[name] for name in _PROJECTIONS if name in tensors), None)
    if projection is None or projection.dtype not in _PLAIN or len(projection.shape) != 2:
        return None
    shape = projection.shape
    if not shape[0] or shape[1] % shape[0]:
        return None
    own, reads = config.get("hidden_size"), config.get("target_hidden_size")
    for name, layers in _lists(config):
        narrow = reads in (None, own)
        if narrow and isinstance(layers, list) and layers and len(layers) * shape[0] != shape[1]:
            return f"{name} lists {len(layers)} layers, and fc joins {shape[1] // shape[0]}"
    return None


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


def _bases(target: Side) -> list[str]:
    """Models that the target's own files name as what it was made from."""
    config = target.config or {}
    values = (config.get(key) for key in ("base_model_name_or_path", "_name_or_path"))
    return [*(value for value in values if isinstance(value, str) and value), *target.card_bases]
