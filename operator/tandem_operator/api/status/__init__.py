"""`status` of the resource, one noun a file; `Status.model_validate(raw.get("status") or {})`."""

from tandem_operator.api.status.condition import Condition, ConditionStatus
from tandem_operator.api.status.pair import Candidate, LockedSource, MemoryBytes, Pair, Parameters
from tandem_operator.api.status.speculation import (
    LastDecision,
    LiveMode,
    ScheduleRange,
    SegmentAcceptance,
    SpeculationState,
    SpeculationStatus,
    SpeedupBaseline,
)
from tandem_operator.api.status.status import Status

__all__ = [
    "Candidate",
    "Condition",
    "ConditionStatus",
    "LastDecision",
    "LiveMode",
    "LockedSource",
    "MemoryBytes",
    "Pair",
    "Parameters",
    "ScheduleRange",
    "SegmentAcceptance",
    "SpeculationState",
    "SpeculationStatus",
    "SpeedupBaseline",
    "Status",
]
