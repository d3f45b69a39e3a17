"""What the lock says about one side of a pair, in the pair report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract import fields, model_facts
from tandem_runtime.contract.model_facts import ModelFacts


@dataclass(frozen=True)
class MixtureOfExperts:
    """Routed experts a layer, and how many of them one token uses (None: not stated)."""

    experts: int
    experts_per_token: int | None = None


@dataclass(frozen=True)
class SideReport:
    """What one side's files say. None always means unknown, never equal.

    `revision` is a full commit, an image digest or a content digest; `immutable` whether the
    source itself can never hold other content under it. Sizes are in bytes, `vocab_size` counts
    ids that mean something, `config_vocab_size` is the number of embedding rows.
    `mixture_of_experts` is None for a dense model.
    """

    uri: str
    revision: str | None = None
    immutable: bool = False
    tokenizer_digest: str | None = None
    vocab_hash: str | None = None
    specials_hash: str | None = None
    encoder_hash: str | None = None
    template_hash: str | None = None
    vocab_size: int | None = None
    config_vocab_size: int | None = None
    architecture: str | None = None
    parameters: int | None = None
    weight_bytes: int | None = None
    dtype: str | None = None
    kv_bytes_per_token: int | None = None
    mixture_of_experts: MixtureOfExperts | None = None
    remote_code: bool = False
    pickle: bool = False
    files_digest: str | None = None
    facts: ModelFacts = model_facts.UNKNOWN


def _mixture(value: object) -> MixtureOfExperts | None:
    if value is None:
        return None
    holder = fields.document(value, "mixtureOfExperts")
    experts = fields.optional_count(holder, "experts")
    if experts is None:
        fields.refuse("mixtureOfExperts.experts", None, "an integer of at least 0")
    return MixtureOfExperts(experts, fields.optional_count(holder, "expertsPerToken"))


def _mixture_document(mixture: MixtureOfExperts | None) -> dict[str, int | None] | None:
    if mixture is None:
        return None
    return {"experts": mixture.experts, "expertsPerToken": mixture.experts_per_token}


_READERS: Mapping[str, Callable[[dict[str, Any], str], Any]] = {
    "uri": fields.text,
    "revision": fields.optional_text,
    "immutable": fields.boolean,
    "tokenizer_digest": fields.optional_text,
    "vocab_hash": fields.optional_text,
    "specials_hash": fields.optional_text,
    "encoder_hash": fields.optional_text,
    "template_hash": fields.optional_text,
    "vocab_size": fields.optional_count,
    "config_vocab_size": fields.optional_count,
    "architecture": fields.optional_text,
    "parameters": fields.optional_count,
    "weight_bytes": fields.optional_count,
    "dtype": fields.optional_text,
    "kv_bytes_per_token": fields.optional_count,
    "mixture_of_experts": lambda holder, key: _mixture(holder.get(key)),
    "remote_code": fields.boolean,
    "pickle": fields.boolean,
    "files_digest": fields.optional_text,
    "facts": lambda holder, key: model_facts.from_document(holder.get(key)),
}
"""How each field is read; its JSON key is the field's name in camel case, both ways."""


def _key(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_KEYS: Mapping[str, str] = {name: _key(name) for name in _READERS}


def to_document(side: SideReport) -> dict[str, Any]:
    """One side as JSON values."""
    document = {key: getattr(side, name) for name, key in _KEYS.items()}
    return document | {
        "mixtureOfExperts": _mixture_document(side.mixture_of_experts),
        "facts": model_facts.to_document(side.facts),
    }


def from_document(value: object, where: str) -> SideReport:
    """One side of a decoded report; `where` names it in errors. Raises fields.ContractError."""
    holder = fields.document(value, where)
    return SideReport(**{name: read(holder, _KEYS[name]) for name, read in _READERS.items()})
