"""How a list of conditions is brought up to date.

`merge` alone makes a new list, so that an unchanged condition keeps its time and an idle cluster
sees no writes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from tandem_operator.api.conditions import (
    ONLY_WHILE_TRUE,
    ORDER,
    REASONS,
    ConditionType,
    NewCondition,
)
from tandem_operator.api.status.condition import Condition

MAX_MESSAGE_LENGTH = 4096


def merge(
    current: Sequence[Condition],
    conditions: Iterable[NewCondition],
    *,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """The new list: exactly the findings, in order, each with the time of its last transition.

    A condition whose status is as before keeps its time. Types that are not found leave the list.
    `generation` is the one that the findings are about; `now` is the time of a transition.

    Raises ValueError for a list that must never be written: a type twice, a reason of another
    type, Reconciling beside Stalled, or a type that stands only while True with another status.
    """
    earlier = {condition.type: condition for condition in current}
    wanted = sorted(conditions, key=lambda condition: ORDER.index(condition.type))
    _check(wanted)
    merged = []
    for new in wanted:
        before = earlier.get(new.type)
        kept = before is not None and before.status == new.status
        merged.append(
            Condition(
                type=new.type,
                status=new.status,
                reason=new.reason.value,
                message=new.message[:MAX_MESSAGE_LENGTH],
                last_transition_time=(
                    before.last_transition_time if before is not None and kept else now
                ),
                observed_generation=generation,
            )
        )
    return tuple(merged)


def _check(conditions: Sequence[NewCondition]) -> None:
    types = [condition.type for condition in conditions]
    if len(set(types)) != len(types):
        raise ValueError(f"a condition type stands twice: {', '.join(types)}")
    if ConditionType.RECONCILING in types and ConditionType.STALLED in types:
        raise ValueError("Reconciling and Stalled exclude each other")
    for condition in conditions:
        if type(condition.reason) is not REASONS[condition.type]:
            raise ValueError(f"{condition.reason!r} is no reason of {condition.type}")
        if condition.type in ONLY_WHILE_TRUE and condition.status != "True":
            raise ValueError(f"{condition.type} stands only while True, not {condition.status}")
