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
    Finding,
)
from tandem_operator.api.status.condition import Condition

MAX_MESSAGE_LENGTH = 4096


def merge(
    current: Sequence[Condition],
    findings: Iterable[Finding],
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
    wanted = sorted(findings, key=lambda finding: ORDER.index(finding.type))
    _check(wanted)
    merged = []
    for finding in wanted:
        before = earlier.get(finding.type)
        kept = before is not None and before.status == finding.status
        merged.append(
            Condition(
                type=finding.type,
                status=finding.status,
                reason=finding.reason.value,
                message=finding.message[:MAX_MESSAGE_LENGTH],
                last_transition_time=(
                    before.last_transition_time if before is not None and kept else now
                ),
                observed_generation=generation,
            )
        )
    return tuple(merged)


def _check(findings: Sequence[Finding]) -> None:
    types = [finding.type for finding in findings]
    if len(set(types)) != len(types):
        raise ValueError(f"a condition type stands twice: {', '.join(types)}")
    if ConditionType.RECONCILING in types and ConditionType.STALLED in types:
        raise ValueError("Reconciling and Stalled exclude each other")
    for finding in findings:
        if type(finding.reason) is not REASONS[finding.type]:
            raise ValueError(f"{finding.reason!r} is no reason of {finding.type}")
        if finding.type in ONLY_WHILE_TRUE and finding.status != "True":
            raise ValueError(f"{finding.type} stands only while True, not {finding.status}")
