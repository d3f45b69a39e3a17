"""MetricsAvailable: what the tuning loop says about its numbers."""

from __future__ import annotations

from tandem_operator.api.conditions import ConditionType, Finding, MetricsReason
from tandem_operator.planning.status.inputs import StatusInputs

REASONS: dict[str, MetricsReason] = {reason.value: reason for reason in MetricsReason}


def find(inputs: StatusInputs) -> Finding:
    """The loop's finding; before its first look what stands, or Unknown."""
    tuning = inputs.tuning
    if tuning is not None:
        view = tuning.metrics
        return Finding(
            ConditionType.METRICS_AVAILABLE, view.status, REASONS[view.reason], view.message
        )
    held = inputs.resource.status.condition(ConditionType.METRICS_AVAILABLE)
    if held is not None and held.reason in REASONS:
        return Finding(
            ConditionType.METRICS_AVAILABLE, held.status, REASONS[held.reason], held.message
        )
    return Finding(
        ConditionType.METRICS_AVAILABLE,
        "Unknown",
        MetricsReason.UNREACHABLE,
        "no replica has been scraped yet",
    )
