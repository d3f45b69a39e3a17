"""PairCompatible: of the candidate while there is one, else of the pair that serves."""

from __future__ import annotations

from tandem_operator.api.conditions import ConditionType, NewCondition, PairReason
from tandem_operator.api.status import ConditionStatus
from tandem_operator.engines import registry
from tandem_operator.planning.lock import assessment
from tandem_operator.planning.lock.steps import Accepted, Locking
from tandem_operator.planning.status.inputs import StatusInputs
from tandem_runtime.contract.report import PairReport


def find(inputs: StatusInputs) -> NewCondition:
    """The finding, in the lock's own words."""
    step, policy = inputs.step, inputs.resource.values.lock_policy
    if isinstance(step, Accepted):
        reason, message = assessment.reason_and_message(step.revision.report, policy)
        return _condition("True", reason, _warned(inputs, step.revision.report, message))
    if isinstance(step, Locking):
        return _condition("Unknown", PairReason.LOCK_PENDING, step.message)
    if step.pair is not None:
        return _condition("False", step.pair, step.message)
    if step.report is not None:
        return _condition("True", *assessment.reason_and_message(step.report, policy))
    if step.candidate.verdict is not None:
        return _kept(inputs, step.candidate.verdict)
    reason = PairReason.LOCK_FAILED if step.inspected else PairReason.LOCK_PENDING
    return _condition("Unknown", reason, step.message)


def _warned(inputs: StatusInputs, report: PairReport, message: str) -> str:
    """The lock's words, and what the engine starts with and yet not as one expects."""
    spec = inputs.resource.spec
    validation = registry.driver(spec.engine.type).validate_pair(spec, report)
    return "; ".join((message, *map(str, validation.warnings)))[: assessment.MAX_MESSAGE_LENGTH]


def _kept(inputs: StatusInputs, verdict: str) -> NewCondition:
    """The pair is fine, something else is not, and its Job is gone: what stands stays."""
    previous = inputs.resource.status.condition(ConditionType.PAIR_COMPATIBLE)
    if previous is not None and previous.status == "True" and previous.reason in assessment.REASONS:
        return _condition("True", assessment.REASONS[previous.reason], previous.message)
    return _condition("Unknown", PairReason.LOCK_PENDING, f"the lock's verdict was {verdict}")


def _condition(status: ConditionStatus, reason: PairReason, message: str) -> NewCondition:
    return NewCondition(ConditionType.PAIR_COMPATIBLE, status, reason, message)
