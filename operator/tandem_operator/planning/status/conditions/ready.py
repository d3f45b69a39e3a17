"""Ready: False only while no replica of any locked pair is ready."""

from __future__ import annotations

from tandem_operator.api.conditions import ConditionType, NewCondition, ReadyReason, StalledReason
from tandem_operator.planning.children.revisions import known_input
from tandem_operator.planning.lock.steps import Accepted, Refused
from tandem_operator.planning.status.conditions import progress
from tandem_operator.planning.status.inputs import StatusInputs


def find(inputs: StatusInputs) -> NewCondition:
    """The finding, with the number of ready replicas."""
    workload = inputs.workload
    if workload.ready > 0:
        message = f"{workload.ready} of {inputs.resource.spec.replicas} replicas are ready"
        return _condition("True", ReadyReason.SERVING, message + _forgotten(inputs))
    if inputs.current is None:
        return _unlocked(inputs)
    if inputs.resource.spec.replicas == 0 and workload.exists and workload.replicas == 0:
        return _condition("True", ReadyReason.SCALED_TO_ZERO, "spec.replicas is 0")
    stalled = progress.stalled(inputs)
    if stalled is not None and isinstance(inputs.step, Accepted):
        return _condition("False", ReadyReason.WORKLOAD_FAILED, stalled.message)
    waiting = workload.waiting
    return _condition(
        "False", ReadyReason.STARTING, waiting or "the first replica of the pair is starting"
    )


def _unlocked(inputs: StatusInputs) -> NewCondition:
    step = inputs.step
    if isinstance(step, Refused):
        rejected = step.stalled is StalledReason.PAIR_REJECTED
        reason = ReadyReason.PAIR_REJECTED if rejected else ReadyReason.LOCK_PENDING
        return _condition("False", reason, f"nothing is started: {step.message}")
    if isinstance(step, Accepted):
        return _condition("False", ReadyReason.STARTING, "the pair is locked; no pod exists yet")
    return _condition(
        "False", ReadyReason.LOCK_PENDING, "nothing is started before the pair is locked"
    )


def _forgotten(inputs: StatusInputs) -> str:
    current = inputs.current
    same = current is None or current.input_hash == inputs.resource.input_hash
    if current is None or same or not inputs.stored:
        return ""
    fields = known_input.forgotten(current)
    return f"; this release does not know {', '.join(fields)}: the next change of pods drops it"


def _condition(status: progress.ConditionStatus, reason: ReadyReason, message: str) -> NewCondition:
    return NewCondition(ConditionType.READY, status, reason, message)
