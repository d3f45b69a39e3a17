"""What the lock Job is asked (`TANDEM_LOCK_REQUEST`), as the contract says."""

from __future__ import annotations

import json
from typing import Any

from tandem_operator.api import defaults
from tandem_operator.api.spec import ModelSource, TokenizerSource
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.sources import DRAFT, TARGET

Object = dict[str, Any]


def text(resource: Resource, paths: dict[str, str]) -> str:
    """The request; `paths` are those of mounted sources, by side."""
    spec = resource.spec
    lock = spec.tokenizer_lock
    request: Object = {
        "method": spec.speculation.method.value,
        "policy": resource.values.lock_policy.value,
        "digest": lock.digest,
        "allowRemoteCode": lock.allow_remote_code,
        "target": {
            **_source(spec.target, paths.get(TARGET)),
            "name": resource.values.served_name,
        },
        "draft": None if spec.draft is None else _source(spec.draft, paths.get(DRAFT)),
        "attestedTarget": None if lock.attested_target is None else _identity(lock.attested_target),
    }
    return json.dumps(request, separators=(",", ":"), sort_keys=True)


def _source(source: ModelSource, path: str | None) -> Object:
    tokenizer = source.tokenizer
    return {
        **_identity(source),
        "path": path,
        "tokenizer": None if tokenizer is None else {**_identity(tokenizer), "path": None},
    }


def _identity(source: ModelSource | TokenizerSource) -> Object:
    return {"uri": source.uri, "revision": defaults.revision(source)}
