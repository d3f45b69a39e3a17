"""`status.candidate`: the input as it was asked for, and what was found out about it."""

from __future__ import annotations

from tandem_operator.api import defaults
from tandem_operator.api.condition_list import MAX_MESSAGE_LENGTH
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.status import Candidate, LockedSource
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract.report import LockFailure, PairReport, SideReport


def of(
    resource: Resource, reason: str, message: str, report: PairReport | None = None
) -> Candidate:
    """The candidate; with a report, at the commits that it names."""
    spec = resource.spec
    draft = None
    if spec.draft is not None:
        draft = _source(
            spec.draft.uri, defaults.revision(spec.draft), None if report is None else report.draft
        )
    return Candidate(
        input_hash=resource.input_hash,
        target=_source(
            spec.target.uri,
            defaults.revision(spec.target),
            None if report is None else report.target,
        ),
        draft=draft,
        verdict=None if report is None else report.verdict,
        reason=reason,
        message=message[:MAX_MESSAGE_LENGTH],
    )


def _source(uri: str, asked: str | None, report: SideReport | None) -> LockedSource:
    """The source as it was asked for, and at the commit it was resolved to once that is known."""
    if report is None or report.revision is None:
        return LockedSource(uri=uri, revision=asked)
    return LockedSource(uri=uri, revision=report.revision)


def waiting(resource: Resource, reason: str) -> str | None:
    """What was last told of a Job of this input that has not ended."""
    stored = resource.status.candidate
    if stored is None or stored.input_hash != resource.input_hash or stored.reason != reason:
        return None
    return stored.message


def failure(resource: Resource) -> LockFailure | None:
    """What the last Job of this input could not do, while another one inspects."""
    stored = resource.status.candidate
    if stored is None or stored.input_hash != resource.input_hash or stored.verdict is not None:
        return None
    failures = (
        StalledReason.MODEL_NOT_FOUND,
        StalledReason.ACCESS_DENIED,
        StalledReason.CONTENT_CHANGED,
        StalledReason.LOCK_FAILED,
    )
    if stored.reason not in failures:
        return None
    return LockFailure(stored.reason, None, stored.message)
