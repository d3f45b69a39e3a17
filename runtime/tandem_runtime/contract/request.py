"""What the lock Job is asked (`TANDEM_LOCK_REQUEST`).

Written by the operator, read by `tandem-lock`; `tandem verify-pair` makes one too.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract import fields

TARGET = "target"
DRAFT = "draft"
METHODS = (
    "DraftModel",
    "Eagle",
    "Eagle3",
    "MTP",
    "Medusa",
    "NGram",
    "Suffix",
    "LayerSkip",
    "DFlash",
    "DSpark",
)
ANY_METHOD = "Any"
"""Asked on a laptop alone, where no method is named: whichever takes the draft."""
POLICIES = ("Exact", "SameVocabulary", "VocabPrefix", "TargetDeclared", "Skip")


@dataclass(frozen=True)
class SourceRequest:
    """Where one side's files are.

    `path` is the local folder (or single file) where a mounted source stands, None for a source
    that is fetched. `tokenizer` is another source whose tokenizer replaces this one's. `name` is
    the name that the target is served under.
    """

    uri: str
    revision: str | None = None
    path: str | None = None
    tokenizer: SourceRequest | None = None
    name: str | None = None


@dataclass(frozen=True)
class Attestation:
    """The target that the user states a head was trained for."""

    uri: str
    revision: str | None = None


@dataclass(frozen=True)
class LockRequest:
    """One pair to judge. `method` is one of METHODS, or ANY_METHOD; `draft` is None without one."""

    method: str
    policy: str
    target: SourceRequest
    draft: SourceRequest | None = None
    digest: str | None = None
    allow_remote_code: bool = False
    attested_target: Attestation | None = None

    def sides(self) -> dict[str, SourceRequest]:
        """The sources by side, `target` first."""
        by_side = {TARGET: self.target}
        if self.draft is not None:
            by_side[DRAFT] = self.draft
        return by_side


def parse(text: str | bytes) -> LockRequest:
    """The request in `text`; unknown keys are ignored. Raises fields.ContractError."""
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise fields.ContractError(f"the lock request is not JSON: {error}") from error
    holder = fields.document(decoded, "the lock request")
    attested = holder.get("attestedTarget")
    draft = holder.get("draft")
    return LockRequest(
        method=_choice(holder, "method", METHODS),
        policy=_choice(holder, "policy", POLICIES),
        digest=fields.optional_text(holder, "digest"),
        allow_remote_code=fields.boolean(holder, "allowRemoteCode"),
        target=_source(holder.get("target"), "target"),
        draft=None if draft is None else _source(draft, "draft"),
        attested_target=None if attested is None else _attestation(attested),
    )


def render(request: LockRequest) -> str:
    """The request as JSON, always the same bytes for the same request."""
    attested = request.attested_target
    document = {
        "method": request.method,
        "policy": request.policy,
        "digest": request.digest,
        "allowRemoteCode": request.allow_remote_code,
        "target": _rendered(request.target),
        "draft": None if request.draft is None else _rendered(request.draft),
        "attestedTarget": None
        if attested is None
        else {"uri": attested.uri, "revision": attested.revision},
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


def _rendered(source: SourceRequest) -> dict[str, Any]:
    document: dict[str, Any] = {
        "uri": source.uri,
        "revision": source.revision,
        "path": source.path,
        "tokenizer": None if source.tokenizer is None else _rendered(source.tokenizer),
    }
    if source.name is not None:
        document["name"] = source.name
    return document


def _source(value: object, where: str) -> SourceRequest:
    holder = fields.document(value, where)
    tokenizer = holder.get("tokenizer")
    return SourceRequest(
        uri=fields.text(holder, "uri"),
        revision=fields.optional_text(holder, "revision"),
        path=fields.optional_text(holder, "path"),
        tokenizer=None if tokenizer is None else _source(tokenizer, f"{where}.tokenizer"),
        name=fields.optional_text(holder, "name"),
    )


def _attestation(value: object) -> Attestation:
    holder = fields.document(value, "attestedTarget")
    return Attestation(fields.text(holder, "uri"), fields.optional_text(holder, "revision"))


def _choice(holder: dict[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = fields.text(holder, key)
    if value not in choices:
        fields.refuse(key, value, "one of " + ", ".join(choices))
    return value
