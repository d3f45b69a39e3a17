"""A pair, inspected here: what the lock says of its files and what the engine makes of them.

Used by `tandem verify-pair` and, for a manifest, by `tandem plan`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any

from tandem_operator.api.spec import Spec
from tandem_operator.engines import registry
from tandem_operator.engines.interface.pair_validation import PairValidation
from tandem_runtime.contract import report as contract
from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import pair


class InspectionError(Exception):
    """A side could not be inspected; the text names it and says what to do."""


@dataclass(frozen=True)
class Inspection:
    """The lock's report and the engine's judgement of one pair."""

    method: str
    engine_type: str
    report: PairReport
    engine: PairValidation

    @property
    def allowed(self) -> bool:
        """Whether the operator would start the pair."""
        return self.report.allowed and self.engine.allowed


def report(asked: LockRequest) -> PairReport:
    """The lock's report. Raises InspectionError."""
    try:
        return pair.report(asked, os.environ)
    except pair.SideError as error:
        raise InspectionError(f"{error.side}: {error}") from error


def judged(pair_report: PairReport, asked: LockRequest, spec: Spec) -> Inspection:
    """The report beside what the engine of `spec` makes of it."""
    engine = registry.validate_pair(spec, _as_brought(pair_report, asked))
    return Inspection(spec.speculation.method.value, spec.engine.type.value, pair_report, engine)


def document(inspection: Inspection) -> dict[str, Any]:
    """The inspection as JSON values: the pair report, the method, and the engine's judgement."""
    engine = {"allowed": inspection.engine.allowed, "reasons": list(inspection.engine.reasons)}
    return {
        **contract.to_document(inspection.report),
        "method": inspection.method,
        "engine": engine,
    }


def lines(inspection: Inspection, version: str = "") -> list[str]:
    """The inspection for people: the verdict, then why, then what differs."""
    report, engine = inspection.report, f"{inspection.engine_type} {version}".rstrip()
    if report.allowed and not inspection.engine.allowed:
        end = f"not allowed, {engine} would not start it"
    else:
        end = "allowed" if report.allowed else "not allowed"
    of_lock = [report.message, *([f"advice: {report.advice}"] if report.advice else [])]
    of_engine = [
        *(f"{engine}: {error}" for error in inspection.engine.refusals),
        *(f"warning: {warning}" for warning in inspection.engine.warnings),
    ]
    # First whoever refuses.
    why = [*of_engine, *of_lock] if report.allowed else [*of_lock, *of_engine]
    shown = [f"{report.verdict} ({report.reason}): {end}", *why]
    if report.first_differences:
        shown.append(f"{'id':>10}  {'target':<32}  draft")
    shown += [
        f"{each.id:>10}  {_shown(each.target):<32}  {_shown(each.draft)}"
        for each in report.first_differences
    ]
    for name, side in (("target", report.target), ("draft", report.draft)):
        if side is not None:
            shown.append(f"{name}: {side.tokenizer_digest or 'no fingerprint'} ({side.uri})")
    return shown


def _shown(text: str | None) -> str:
    return "-" if text is None else repr(text)


def _as_brought(pair_report: PairReport, asked: LockRequest) -> PairReport:
    """The report with local folders as what they are: weights may be left out of them."""
    draft = pair_report.draft
    if draft is not None and asked.draft is not None:
        draft = _side(draft, asked.draft)
    return replace(pair_report, target=_side(pair_report.target, asked.target), draft=draft)


def _side(side_report: SideReport, source: SourceRequest) -> SideReport:
    return side_report if source.path is None else replace(side_report, uri=source.path)
