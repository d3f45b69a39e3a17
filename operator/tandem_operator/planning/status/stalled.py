"""Nothing is done about a resource, and Stalled says why: a spec or a namespace is unreadable."""

from __future__ import annotations

from tandem_operator.api import condition_list, conditions
from tandem_operator.api.conditions import ConditionType, NewCondition, StalledReason
from tandem_operator.api.status import Status
from tandem_operator.planning import resource
from tandem_operator.planning.plan import Plan
from tandem_operator.planning.snapshot import Snapshot
from tandem_operator.planning.status import events

_PROGRESS = (ConditionType.STALLED, ConditionType.RECONCILING)


def of(snapshot: Snapshot, reason: StalledReason, message: str) -> Plan:
    """Children stay as they are, and so does what status tells of them."""
    generation = snapshot.resource["metadata"]["generation"]
    before = resource.status_of(snapshot.resource)
    kept = [each for each in before.conditions if each.type not in _PROGRESS]
    merged = condition_list.merge(
        before.conditions,
        [NewCondition(ConditionType.STALLED, "True", reason, message)],
        generation=generation,
        now=snapshot.now,
    )
    listed = sorted(
        (*kept, *merged), key=lambda each: conditions.ORDER.index(ConditionType(each.type))
    )
    after: Status = before.model_copy(
        update={
            "observed_generation": generation,
            "conditions": tuple(listed),
            "managed_by": snapshot.installation.name,
        }
    )
    if after == before:
        return Plan()
    return Plan(status=after.to_object(), event_records=events.between(before, after))
