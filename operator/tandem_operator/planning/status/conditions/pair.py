"""PairCompatible: of the candidate while there is one, else of the pair that serves."""

from __future__ import annotations

from tandem_operator.api.conditions import ConditionType, Finding, PairReason
from tandem_operator.api.status import ConditionStatus
from tandem_operator.engines import registry
from tandem_operator.planning.lock import judgement
from tandem_operator.planning.lock.steps import Accepted, Locking
from tandem_operator.planning.status.inputs import StatusInputs
from tandem_runtime.contract.report import PairReport


def find(inputs: StatusInputs) -> Finding:
    """The finding, in the lock's own words."""
    step, policy = inputs.step, inputs.resource.values.lock_policy
    if isinstance(step, Accepted):
        reason, message = judgement.finding(step.revision.report, policy)
        return _finding("True", reason, _warned(inputs, step.revision.report, message))
    if isinstance(step, Locking):
        return _finding("Unknown", PairReason.LOCK_PENDING, step.message)
    if step.pair is not None:
        return _finding("False", step.pair, step.message)
    if step.report is not None:
        return _finding("True", *judgement.finding(step.report, policy))
    if step.candidate.verdict is not None:
        return _kept(inputs, step.candidate.verdict)
    reason = PairReason.LOCK_FAILED if step.looked else PairReason.LOCK_PENDING
    return _finding("Unknown", reason, step.message)


def _warned(inputs: StatusInputs, report: PairReport, message: str) -> str:
    """The lock's words, and what the engine starts with and yet not as one expects."""
    spec = inputs.resource.spec
    pair_judgement = registry.driver(spec.engine.type).judge_pair(spec, report)
    return "; ".join((message, *map(str, pair_judgement.warnings)))[: judgement.MAX_MESSAGE_LENGTH]


def _kept(inputs: StatusInputs, verdict: str) -> Finding:
    """The pair is fine, something else is not, and its Job is gone: what stands stays."""
    previous = inputs.resource.status.condition(ConditionType.PAIR_COMPATIBLE)
    if previous is not None and previous.status == "True" and previous.reason in judgement.REASONS:
        return _finding("True", judgement.REASONS[previous.reason], previous.message)
    return _finding("Unknown", PairReason.LOCK_PENDING, f"the lock's verdict was {verdict}")


def _finding(status: ConditionStatus, reason: PairReason, message: str) -> Finding:
    return Finding(ConditionType.PAIR_COMPATIBLE, status, reason, message)
