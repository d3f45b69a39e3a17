"""From two looked-at sides to the pair report: the one place that orders all that can be wrong."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.contract.request import LockRequest
from tandem_runtime.lock import grade, heads, look, policy, refusal
from tandem_runtime.lock.grade import Grade
from tandem_runtime.lock.look import Side

WITHOUT_DRAFT = ("NGram", "Suffix", "LayerSkip", "MTP")


@dataclass(frozen=True)
class Seen:
    """One side with its identity; `immutable` as in the pair report."""

    side: Side
    uri: str
    revision: str | None = None
    immutable: bool = False


def judge(request: LockRequest, target: Seen, draft: Seen | None) -> PairReport:
    """The report on what was seen. Pure; `draft` is None for methods without one."""
    found = _grade(request, target, draft)
    attested = (
        request.attested_target is not None
        and found.reason == "DeclaredTarget"
        and draft is not None
        and heads.declared(draft.side.config or {}) is None
    )
    pinned = found.reason != "DigestMismatch"
    return PairReport(
        verdict=found.verdict,
        reason=found.reason,
        allowed=pinned and policy.allows(request.policy, found.verdict),
        message=found.message,
        advice=found.advice,
        attested=attested,
        first_differences=found.first_differences,
        target=_side_report(target),
        draft=None if draft is None else _side_report(draft),
    )


def _grade(request: LockRequest, target: Seen, draft: Seen | None) -> Grade:
    for name, seen in (("target", target), ("draft", draft)):
        refused = None if seen is None else _refused(request, name, seen.side)
        if refused is not None:
            return refused
    marks = target.side.fingerprint
    if request.digest is not None and (marks is None or marks.digest != request.digest):
        found = "no tokenizer" if marks is None else marks.digest
        return Grade(
            grade.INCOMPATIBLE,
            "DigestMismatch",
            f"tokenizerLock.digest is {request.digest}; the target has {found}",
            advice="another tokenizer than the pinned one: check the revision, or pin the new one",
        )
    if draft is None:
        return _alone(request, target.side)
    one, two = target.side, draft.side
    compared = grade.pair(one, two) if one.tokenizer and two.tokenizer else None
    if request.method in heads.METHODS or heads.is_head(two.config):
        declared = heads.pair(
            one,
            two,
            [name for name in (target.uri, request.target.name) if name],
            target.revision,
            request.attested_target,
        )
        if compared is None or declared.verdict == grade.INCOMPATIBLE:
            return declared
        if declared.verdict == grade.COMPATIBLE and compared.verdict == grade.COMPATIBLE:
            return declared
    if compared is not None:
        return compared
    name = "target" if one.tokenizer is None else "draft"
    return Grade(
        grade.UNKNOWN,
        "NoTokenizer",
        f"the {name} has no tokenizer that can be read, so nothing can be compared",
        advice="put its files beside the target's weights"
        if name == "target"
        else "name one in spec.draft.tokenizer",
    )


def _refused(request: LockRequest, name: str, side: Side) -> Grade | None:
    if side.remote_code and not request.allow_remote_code:
        return Grade(
            grade.REFUSED,
            refusal.REMOTE_CODE,
            f"the {name}'s repository brings code of its own (auto_map or *.py)",
            advice="use a repository without code, or set tokenizerLock.allowRemoteCode",
        )
    if side.refused is not None:
        return Grade(grade.REFUSED, side.refused.reason, f"the {name}'s {side.refused}")
    return None


def _alone(request: LockRequest, target: Side) -> Grade:
    if request.method == "MTP" and heads.own_layers(target.config) < 1:
        return Grade(
            grade.INCOMPATIBLE,
            "NoDraft",
            "the target's config.json names no layer that predicts further tokens "
            "(num_nextn_predict_layers or its like), so it cannot draft for itself",
            advice="use another method",
        )
    return Grade(grade.COMPATIBLE, "NoDraft", f"{request.method} drafts without another model")


def _side_report(seen: Seen) -> SideReport:
    return look.report(seen.side, seen.uri, seen.revision, seen.immutable)
