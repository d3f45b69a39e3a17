"""From two inspected sides to the pair report: the one place that orders all that can be wrong."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import LockRequest
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.draft import draft_kinds, heads
from tandem_runtime.lock.verdict import alone, compare, method_fit, policy, side_report
from tandem_runtime.lock.verdict.compare import Comparison
from tandem_runtime.lock.verdict.inspect import Side

WITHOUT_DRAFT = ("NGram", "Suffix", "LayerSkip")
"""Methods that take no draft at all; MTP may name one that stands apart from its target."""


@dataclass(frozen=True)
class Seen:
    """One side with its identity; `immutable` as in the pair report."""

    side: Side
    uri: str
    revision: str | None = None
    immutable: bool = False


def evaluate(request: LockRequest, target: Seen, draft: Seen | None) -> PairReport:
    """The report on what was seen. Pure; `draft` is None for methods without one."""
    comparison = _comparison(request, target, draft)
    pinned = comparison.reason != "DigestMismatch"
    return PairReport(
        verdict=comparison.verdict,
        reason=comparison.reason,
        allowed=pinned and policy.allows(request.policy, comparison.verdict),
        message=comparison.message,
        advice=comparison.advice,
        attested=comparison.attested and comparison.verdict == compare.COMPATIBLE,
        first_differences=comparison.first_differences,
        target=side_report.report(target.side, target.uri, target.revision, target.immutable),
        draft=None
        if draft is None
        else side_report.report(draft.side, draft.uri, draft.revision, draft.immutable),
    )


def _comparison(request: LockRequest, target: Seen, draft: Seen | None) -> Comparison:
    for name, seen in (("target", target), ("draft", draft)):
        refused = None if seen is None else _refused(request, name, seen.side)
        if refused is not None:
            return refused
    marks = target.side.fingerprint
    if request.digest is not None and (marks is None or marks.digest != request.digest):
        digest = "no tokenizer" if marks is None else marks.digest
        return Comparison(
            compare.INCOMPATIBLE,
            "DigestMismatch",
            f"tokenizerLock.digest is {request.digest}; the target has {digest}",
            advice="another tokenizer than the pinned one: check the revision, or pin the new one",
        )
    unfit = method_fit.evaluate(request.method, target.side, None if draft is None else draft.side)
    if unfit is not None:
        return unfit
    if draft is None:
        return alone.evaluate(request.method, target.side)
    return _pair(request, target, draft)


def _pair(request: LockRequest, target: Seen, draft: Seen) -> Comparison:
    one, two = target.side, draft.side
    compared = compare.pair(one, two) if one.tokenizer and two.tokenizer else None
    kind = two.kind.kind
    if request.method in draft_kinds.METHODS_WITH_HEAD or kind in draft_kinds.HEADS:
        wrong = heads.misfit(one, two)
        if wrong is not None:
            return wrong
        # What stands apart from its target but brings its tokenizer is judged by that.
        if kind is None or kind.name != "MTP" or compared is None:
            declared = heads.declared(
                one,
                two,
                [name for name in (target.uri, request.target.name) if name],
                [target.revision, request.target.revision],
                request.attested_target,
            )
            if compared is None or declared.verdict == compare.INCOMPATIBLE:
                return declared
            if declared.verdict == compare.COMPATIBLE and compared.verdict == compare.COMPATIBLE:
                return declared
    if compared is not None:
        return compared
    name = "target" if one.tokenizer is None else "draft"
    return Comparison(
        compare.UNKNOWN,
        "NoTokenizer",
        f"the {name} has no tokenizer that can be read, so nothing can be compared",
        advice="put its files beside the target's weights"
        if name == "target"
        else "name one in spec.draft.tokenizer",
    )


def _refused(request: LockRequest, name: str, side: Side) -> Comparison | None:
    if side.remote_code and not request.allow_remote_code:
        return Comparison(
            compare.REFUSED,
            lock_errors.REMOTE_CODE,
            f"the {name}'s repository brings code of its own (auto_map or *.py)",
            advice="use a repository without code, or set tokenizerLock.allowRemoteCode",
        )
    if side.refused is not None:
        return Comparison(compare.REFUSED, side.refused.reason, f"the {name}'s {side.refused}")
    return None
