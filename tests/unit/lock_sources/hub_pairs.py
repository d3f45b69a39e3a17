"""A local hub, and what the lock reports of a pair on it."""

from __future__ import annotations

from hack.hub.server import LocalHub
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import ANY_METHOD, LockRequest, SourceRequest
from tandem_runtime.lock import pair

MIB = 1 << 20


def inspect(hub: LocalHub, target: str, draft: str | None = None) -> PairReport:
    request = LockRequest(
        "NGram" if draft is None else ANY_METHOD,
        "SameVocabulary",
        SourceRequest(target),
        None if draft is None else SourceRequest(draft),
    )
    return pair.report(request, {"HF_ENDPOINT": hub.endpoint})
