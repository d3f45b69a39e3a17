"""What a report of the lock means under the policy: allowed with its lock, or not, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tandem_operator.api.conditions import PairReason
from tandem_operator.api.spec import LockPolicy
from tandem_runtime.contract import pod_lock
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import PairReport, SideReport

MAX_MESSAGE_LENGTH = 2000
SHOWN_DIFFERENCES = 3
REFUSED = "Refused"
FORBIDDING_VERDICTS = ("Incompatible", REFUSED)
REASONS: dict[str, PairReason] = {reason.value: reason for reason in PairReason}


class UnknownReportError(ValueError):
    """The report is of another release or contradicts itself: nothing may be started on it."""


@dataclass(frozen=True)
class Assessed:
    """A report under the policy. ``lock`` is None when the pair is not allowed."""

    reason: PairReason
    message: str
    lock: PodLock | None


def assess(report: PairReport, method: str, paths: dict[str, str], policy: LockPolicy) -> Assessed:
    """What the report means for the pair; `paths` of mounted sources by side.

    Raises UnknownReportError.
    """
    if report.reason not in REASONS:
        raise UnknownReportError(f"the lock reports the unknown reason {report.reason}")
    if report.allowed and report.verdict == REFUSED:
        raise UnknownReportError(f"the lock allows what it calls {REFUSED} ({report.reason})")
    if report.allowed:
        return Assessed(*reason_and_message(report, policy), _lock(report, method, paths))
    reason = REASONS[report.reason]
    message = message_of(report)
    if report.verdict not in FORBIDDING_VERDICTS:
        message = f"{report.verdict} {reason.value}: {message}"[:MAX_MESSAGE_LENGTH]
        reason = PairReason.NOT_ALLOWED_BY_POLICY
    return Assessed(reason, message, None)


def reason_and_message(report: PairReport, policy: LockPolicy) -> tuple[PairReason, str]:
    """Reason and message of an allowed pair; where the policy skips, it says what it let pass."""
    reason = REASONS[report.reason]
    message = message_of(report) or reason.meaning
    if policy is not LockPolicy.SKIP:
        return reason, message
    message = (
        "tokenizerLock.policy is Skip, so the pair is not judged; the lock found "
        f"{report.verdict} {reason.value}: {message}"
    )
    return PairReason.SKIPPED, message[:MAX_MESSAGE_LENGTH]


def message_of(report: PairReport) -> str:
    """The report in words, with the first differing ids where its message does not name them."""
    parts = [report.message]
    parts += [
        f"id {each.id} is {each.target!r} in the target and {each.draft!r} in the draft"
        for each in report.first_differences[:SHOWN_DIFFERENCES]
        if not re.search(rf"\b{each.id}: ", report.message)
    ]
    if report.advice is not None:
        parts.append(report.advice)
    return "; ".join(part for part in parts if part)[:MAX_MESSAGE_LENGTH]


def _lock(report: PairReport, method: str, paths: dict[str, str]) -> PodLock:
    return pod_lock.hashed(
        PodLock(
            method=method,
            target=_side(report.target, paths.get("target")),
            draft=None if report.draft is None else _side(report.draft, paths.get("draft")),
        )
    )


def _side(side: SideReport, path: str | None) -> LockedSide:
    if side.files_digest is None:
        raise UnknownReportError(f"the lock allows {side.uri} without a digest of its files")
    return LockedSide(
        uri=side.uri,
        revision=side.revision,
        files_digest=side.files_digest,
        tokenizer_digest=side.tokenizer_digest,
        path=path,
    )
