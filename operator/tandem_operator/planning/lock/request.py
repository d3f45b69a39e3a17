"""What the lock Job is asked about a resource."""

from __future__ import annotations

from dataclasses import replace

from tandem_operator.api import defaults
from tandem_operator.api.spec import ModelSource
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract.request import DRAFT, TARGET, Attestation, LockRequest, SourceRequest


def made(resource: Resource, paths: dict[str, str]) -> LockRequest:
    """The request; `paths` are those of mounted sources, by side.

    A head may declare the name that its target is served under. The resource's own name, which the
    API takes where spec gives none, proves nothing about a model.
    """
    spec = resource.spec
    lock = spec.tokenizer_lock
    attested = lock.attested_target
    return LockRequest(
        method=spec.speculation.method.value,
        policy=resource.values.lock_policy.value,
        target=replace(_source(spec.target, paths.get(TARGET)), name=spec.target.served_name),
        draft=None if spec.draft is None else _source(spec.draft, paths.get(DRAFT)),
        digest=lock.digest,
        allow_remote_code=lock.allow_remote_code,
        attested_target=None if attested is None else Attestation(attested.uri, attested.revision),
    )


def _source(source: ModelSource, path: str | None) -> SourceRequest:
    tokenizer = source.tokenizer
    return SourceRequest(
        uri=source.uri,
        revision=defaults.revision(source),
        path=path,
        tokenizer=None
        if tokenizer is None
        else SourceRequest(tokenizer.uri, defaults.revision(tokenizer)),
    )
