"""The one place where planning meets the pair's judgement: a report in, allowed or not out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_operator.api.conditions import PairReason

Object = dict[str, Any]

MAX_MESSAGE_LENGTH = 2000
LOCKED_FIELDS = ("uri", "revision", "tokenizerDigest", "filesDigest")


@dataclass(frozen=True)
class Judged:
    """A report under the policy. ``lock`` is None when the pair is not allowed."""

    verdict: str
    reason: PairReason
    message: str
    target: Object
    draft: Object | None
    lock: Object | None


def judge(report: Object, method: str, locked_at: str) -> Judged:
    """What the report means for the pair."""
    verdict = str(report["verdict"])
    reason = PairReason(report["reason"])
    message = _message(report)
    target, draft = report["target"], report.get("draft")
    lock = _lock(report, method, locked_at) if report["allowed"] else None
    if lock is None and verdict not in ("Incompatible", "Refused"):
        message = f"{verdict} {reason}: {message}"
        reason = PairReason.NOT_ALLOWED_BY_POLICY
    return Judged(verdict, reason, message[:MAX_MESSAGE_LENGTH], target, draft, lock)


def _message(report: Object) -> str:
    parts = [str(report.get("message", ""))]
    parts += [
        f"id {each['id']} is {each['target']!r} in the target and {each['draft']!r} in the draft"
        for each in report.get("firstDifferences", [])[:3]
    ]
    if report.get("advice"):
        parts.append(str(report["advice"]))
    return "; ".join(part for part in parts if part)


def _lock(report: Object, method: str, locked_at: str) -> Object:
    identity = {
        "method": method,
        "target": _locked(report["target"]),
        "draft": None if report.get("draft") is None else _locked(report["draft"]),
    }
    return {
        "hash": names.digest(identity),
        "method": method,
        "verdict": report["verdict"],
        "reason": report["reason"],
        "lockedAt": locked_at,
        "target": report["target"],
        "draft": report.get("draft"),
    }


def _locked(side: Object) -> Object:
    return {field: side.get(field) for field in LOCKED_FIELDS}
