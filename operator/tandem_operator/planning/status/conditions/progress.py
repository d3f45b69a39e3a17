"""Reconciling, Stalled and Paused: on the way, hindered, or told to wait."""

from __future__ import annotations

from tandem_operator.api.conditions import (
    ConditionType,
    NewCondition,
    PausedReason,
    ReconcilingReason,
    StalledReason,
)
from tandem_operator.api.status import ConditionStatus
from tandem_operator.planning.lock import state as lock_state
from tandem_operator.planning.lock.steps import Locking, Refused
from tandem_operator.planning.status.inputs import StatusInputs

__all__ = ["ConditionStatus", "find", "stalled"]


def find(inputs: StatusInputs) -> tuple[NewCondition, ...]:
    """Stalled or Reconciling, never both; Paused beside either."""
    conditions = []
    hindered = stalled(inputs)
    paused = inputs.resource.spec.paused
    if hindered is not None:
        conditions.append(hindered)
    else:
        conditions += _reconciling(inputs)
    if paused:
        conditions.append(
            NewCondition(
                ConditionType.PAUSED,
                "True",
                PausedReason.BY_USER,
                "spec.paused is true: nothing is written to the children",
            )
        )
    return tuple(conditions)


def stalled(inputs: StatusInputs) -> NewCondition | None:
    """The first thing that hinders, if any."""
    step, child_plan, workload = inputs.step, inputs.child_plan, inputs.workload
    if isinstance(step, Refused):
        return _stalled(step.stalled, step.message)
    if child_plan.conflicts:
        return _stalled(StalledReason.NAME_CONFLICT, "; ".join(child_plan.conflicts))
    if child_plan.refusals:
        return _stalled(StalledReason.INVALID_TEMPLATE, "; ".join(child_plan.refusals))
    if workload.refused is not None:
        return _stalled(
            StalledReason.INVALID_TEMPLATE, f"no pod can be created: {workload.refused}"
        )
    if workload.hindered is not None:
        reason = lock_state.STALLED_REASONS[workload.hindered.reason]
        return _stalled(reason, workload.hindered.message)
    if workload.overdue is not None and not inputs.rolled_out:
        message = "; ".join(part for part in (workload.overdue, workload.waiting) if part)
        return _stalled(StalledReason.PROGRESS_DEADLINE_EXCEEDED, message)
    return None


def _reconciling(inputs: StatusInputs) -> list[NewCondition]:
    step, workload = inputs.step, inputs.workload
    if inputs.failing:
        return [_on_the_way(ReconcilingReason.RETRYING, "; ".join(inputs.failing))]
    if inputs.child_plan.waiting:
        message = "; ".join(inputs.child_plan.waiting)
        return [_on_the_way(ReconcilingReason.WAITING_FOR_DELETION, message)]
    if inputs.resource.spec.paused and (inputs.change_pending or not inputs.stored):
        message = "spec.paused is true: what was changed waits"
        return [_on_the_way(ReconcilingReason.ROLLING_OUT, message)]
    if isinstance(step, Locking):
        return [_on_the_way(ReconcilingReason.LOCKING, step.message)]
    if inputs.rolled_out:
        return []
    if not inputs.stored:
        message = "the pair is locked; its pods are being created"
        return [_on_the_way(ReconcilingReason.ROLLING_OUT, message)]
    wanted = inputs.resource.spec.replicas
    message = f"{workload.updated} of {wanted} replicas have the newest revision"
    if workload.exists:
        message += f", {workload.ready} of {workload.replicas} are ready"
    if workload.waiting is not None:
        message += f"; {workload.waiting}"
    return [_on_the_way(ReconcilingReason.ROLLING_OUT, message)]


def _on_the_way(reason: ReconcilingReason, message: str) -> NewCondition:
    return NewCondition(ConditionType.RECONCILING, "True", reason, message)


def _stalled(reason: StalledReason, message: str) -> NewCondition:
    return NewCondition(ConditionType.STALLED, "True", reason, message)
