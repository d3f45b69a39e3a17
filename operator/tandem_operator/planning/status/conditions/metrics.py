"""MetricsAvailable: what the tuning loop says about its numbers."""

from __future__ import annotations

from tandem_operator.api.conditions import ConditionType, MetricsReason, NewCondition
from tandem_operator.planning.status.inputs import StatusInputs

REASONS: dict[str, MetricsReason] = {reason.value: reason for reason in MetricsReason}


def find(inputs: StatusInputs) -> NewCondition:
    """The loop's finding; before its first reading what stands, or Unknown."""
    tuning = inputs.tuning
    if tuning is not None:
        view = tuning.metrics
        return NewCondition(
            ConditionType.METRICS_AVAILABLE, view.status, REASONS[view.reason], view.message
        )
    previous = inputs.resource.status.condition(ConditionType.METRICS_AVAILABLE)
    if previous is not None and previous.reason in REASONS:
        return NewCondition(
            ConditionType.METRICS_AVAILABLE,
            previous.status,
            REASONS[previous.reason],
            previous.message,
        )
    return NewCondition(
        ConditionType.METRICS_AVAILABLE,
        "Unknown",
        MetricsReason.UNREACHABLE,
        "no replica has been scraped yet",
    )
