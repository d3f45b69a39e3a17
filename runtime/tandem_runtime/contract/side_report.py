"""What the lock says about one side of a pair, in the pair report."""

from __future__ import annotations

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


def to_document(side: SideReport) -> dict[str, Any]:
    """One side as JSON values."""
    mixture = side.mixture_of_experts
    return {
        "uri": side.uri,
        "revision": side.revision,
        "immutable": side.immutable,
        "tokenizerDigest": side.tokenizer_digest,
        "vocabHash": side.vocab_hash,
        "specialsHash": side.specials_hash,
        "encoderHash": side.encoder_hash,
        "templateHash": side.template_hash,
        "vocabSize": side.vocab_size,
        "configVocabSize": side.config_vocab_size,
        "architecture": side.architecture,
        "parameters": side.parameters,
        "weightBytes": side.weight_bytes,
        "dtype": side.dtype,
        "kvBytesPerToken": side.kv_bytes_per_token,
        "mixtureOfExperts": None
        if mixture is None
        else {"experts": mixture.experts, "expertsPerToken": mixture.experts_per_token},
        "remoteCode": side.remote_code,
        "pickle": side.pickle,
        "filesDigest": side.files_digest,
        "facts": model_facts.to_document(side.facts),
    }


def from_document(value: object, where: str) -> SideReport:
    """One side of a decoded report; `where` names it in errors. Raises fields.ContractError."""
    holder = fields.document(value, where)
    return SideReport(
        uri=fields.text(holder, "uri"),
        revision=fields.optional_text(holder, "revision"),
        immutable=fields.boolean(holder, "immutable"),
        tokenizer_digest=fields.optional_text(holder, "tokenizerDigest"),
        vocab_hash=fields.optional_text(holder, "vocabHash"),
        specials_hash=fields.optional_text(holder, "specialsHash"),
        encoder_hash=fields.optional_text(holder, "encoderHash"),
        template_hash=fields.optional_text(holder, "templateHash"),
        vocab_size=fields.optional_count(holder, "vocabSize"),
        config_vocab_size=fields.optional_count(holder, "configVocabSize"),
        architecture=fields.optional_text(holder, "architecture"),
        parameters=fields.optional_count(holder, "parameters"),
        weight_bytes=fields.optional_count(holder, "weightBytes"),
        dtype=fields.optional_text(holder, "dtype"),
        kv_bytes_per_token=fields.optional_count(holder, "kvBytesPerToken"),
        mixture_of_experts=_mixture(holder.get("mixtureOfExperts")),
        remote_code=fields.boolean(holder, "remoteCode"),
        pickle=fields.boolean(holder, "pickle"),
        files_digest=fields.optional_text(holder, "filesDigest"),
        facts=model_facts.from_document(holder.get("facts")),
    )


def _mixture(value: object) -> MixtureOfExperts | None:
    if value is None:
        return None
    holder = fields.document(value, "mixtureOfExperts")
    experts = fields.optional_count(holder, "experts")
    if experts is None:
        fields.refuse("mixtureOfExperts.experts", None, "an integer of at least 0")
    return MixtureOfExperts(experts, fields.optional_count(holder, "expertsPerToken"))
