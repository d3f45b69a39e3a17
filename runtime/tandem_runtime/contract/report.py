"""What the lock says about a pair: the termination message of the lock Job.

Written by `tandem-lock`, read by the operator; at most 4,000 bytes of JSON, whatever the tokens
of a repository hold.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from tandem_runtime.contract import fields, side_report
from tandem_runtime.contract.side_report import MixtureOfExperts as MixtureOfExperts
from tandem_runtime.contract.side_report import SideReport as SideReport

VERSION = 1
MAX_BYTES = 4_000
MAX_DIFFERENCES = 8
SHORT_TEXT_BYTES = 32

VERDICTS = ("Compatible", "Warn", "PrefixCompatible", "Incompatible", "Refused", "Unknown")
FAILURES = ("ModelNotFound", "AccessDenied", "ContentChanged", "LockFailed")


@dataclass(frozen=True)
class Difference:
    """One id that means two things. A text is None where that side has no such id."""

    id: int
    target: str | None
    draft: str | None


@dataclass(frozen=True)
class PairReport:
    """A verdict, whether the asked policy allows it, and why."""

    verdict: str
    reason: str
    allowed: bool
    message: str
    target: SideReport
    draft: SideReport | None = None
    advice: str | None = None
    attested: bool = False
    first_differences: tuple[Difference, ...] = ()


@dataclass(frozen=True)
class LockFailure:
    """The Job could not inspect. `side` is `target`, `draft`, or None when neither is at fault."""

    reason: str
    side: str | None
    message: str


def parse(text: str | bytes) -> PairReport | LockFailure:
    """The report or failure in a termination message. Raises fields.ContractError."""
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise fields.ContractError(f"the pair report is not JSON: {error}") from error
    return from_document(decoded)


def from_document(value: object) -> PairReport | LockFailure:
    """The report or failure in a decoded JSON document. Raises fields.ContractError."""
    holder = fields.document(value, "the pair report")
    fields.version(holder, VERSION)
    if holder.get("error") is not None:
        error = fields.document(holder["error"], "error")
        return LockFailure(
            reason=fields.text(error, "reason"),
            side=fields.optional_text(error, "side"),
            message=fields.text(error, "message"),
        )
    verdict = fields.text(holder, "verdict")
    if verdict not in VERDICTS:
        fields.refuse("verdict", verdict, "one of " + ", ".join(VERDICTS))
    draft = holder.get("draft")
    return PairReport(
        verdict=verdict,
        reason=fields.text(holder, "reason"),
        allowed=fields.boolean(holder, "allowed"),
        message=fields.text(holder, "message"),
        advice=fields.optional_text(holder, "advice"),
        attested=fields.boolean(holder, "attested"),
        first_differences=_differences(holder.get("firstDifferences")),
        target=side_report.from_document(holder.get("target"), "target"),
        draft=None if draft is None else side_report.from_document(draft, "draft"),
    )


def to_document(report: PairReport | LockFailure) -> dict[str, Any]:
    """The whole report as JSON values, uncut."""
    if isinstance(report, LockFailure):
        error = {"reason": report.reason, "side": report.side, "message": report.message}
        return {"version": VERSION, "error": error}
    return {
        "version": VERSION,
        "verdict": report.verdict,
        "reason": report.reason,
        "allowed": report.allowed,
        "message": report.message,
        "advice": report.advice,
        "attested": report.attested,
        "firstDifferences": [
            {"id": each.id, "target": each.target, "draft": each.draft}
            for each in report.first_differences
        ],
        "target": side_report.to_document(report.target),
        "draft": None if report.draft is None else side_report.to_document(report.draft),
    }


def render(report: PairReport | LockFailure) -> str:
    """The report as ASCII JSON of at most MAX_BYTES.

    A report that is too long gives up, in this order: texts of differing ids beyond 32 bytes, the
    last differences, the ends of message, advice and other free text.
    """
    rendered = _encode(report)
    if len(rendered) <= MAX_BYTES:
        return rendered
    if isinstance(report, LockFailure):
        return _encode(replace(report, message=_within(report.message, MAX_BYTES - 200)))
    differences = tuple(
        Difference(each.id, _cut(each.target), _cut(each.draft))
        for each in report.first_differences[:MAX_DIFFERENCES]
    )
    for count in range(len(differences), -1, -1):
        rendered = _encode(replace(report, first_differences=differences[:count]))
        if len(rendered) <= MAX_BYTES:
            return rendered
    return _encode(_bounded(replace(report, first_differences=())))


def _bounded(report: PairReport) -> PairReport:
    """The report with every free text cut so far that it fits whatever the texts held."""

    def bounded(side: SideReport) -> SideReport:
        texts = ("revision", "architecture", "dtype")
        cut: dict[str, Any] = {
            name: text and _within(text, 72)
            for name in texts
            if (text := getattr(side, name)) is not None
        }
        return replace(side, uri=_within(side.uri, 200), **cut)

    return replace(
        report,
        message=_within(report.message, 320),
        advice=report.advice and _within(report.advice, 160),
        target=bounded(report.target),
        draft=None if report.draft is None else bounded(report.draft),
    )


def _encode(report: PairReport | LockFailure) -> str:
    return json.dumps(to_document(report), separators=(",", ":"), ensure_ascii=True)


def _cut(text: str | None, most_bytes: int = SHORT_TEXT_BYTES) -> str | None:
    """At most this many bytes of UTF-8, with an ellipsis where something is missing."""
    if text is None:
        return None
    content = text.encode("utf-8", "replace")
    if len(content) <= most_bytes:
        return content.decode()
    return content[: most_bytes - 3].decode("utf-8", "ignore") + "…"


def _within(text: str, most_bytes: int) -> str:
    """The text, or its beginning and an ellipsis, so that its ASCII JSON has at most this length.

    Complexity: linear; each round drops an eighth.
    """
    if len(json.dumps(text)) <= most_bytes:
        return text
    kept = text[:most_bytes]
    while kept and len(json.dumps(kept + "…")) > most_bytes:
        kept = kept[: len(kept) * 7 // 8]
    return kept + "…"


def _differences(value: object) -> tuple[Difference, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        fields.refuse("firstDifferences", value, "a list of {id, target, draft}")
    differences = []
    for index, item in enumerate(value):
        holder = fields.document(item, f"firstDifferences[{index}]")
        token_id = fields.optional_count(holder, "id")
        if token_id is None:
            fields.refuse(f"firstDifferences[{index}].id", None, "an integer of at least 0")
        differences.append(
            Difference(
                token_id,
                fields.optional_text(holder, "target"),
                fields.optional_text(holder, "draft"),
            )
        )
    return tuple(differences)
