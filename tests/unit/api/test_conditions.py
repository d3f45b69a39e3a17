"""A list of conditions: in order, with the time of the last transition, and never absurd."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tandem_operator.api import condition_list
from tandem_operator.api.conditions import (
    ORDER,
    REASONS,
    ConditionType,
    NewCondition,
    PairReason,
    ReadyReason,
    ReconcilingReason,
    StalledReason,
)
from tandem_operator.api.status import Condition
from tandem_operator.api.status.condition import ConditionStatus

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = START + timedelta(minutes=5)


def ready(status: ConditionStatus = "True", message: str = "1 of 1") -> NewCondition:
    reason = ReadyReason.SERVING if status == "True" else ReadyReason.STARTING
    return NewCondition(ConditionType.READY, status, reason, message)


LOCKING = NewCondition(
    ConditionType.RECONCILING, "True", ReconcilingReason.LOCKING, "a Job inspects the pair"
)
STALLED = NewCondition(
    ConditionType.STALLED, "True", StalledReason.PAIR_REJECTED, "id 6001 means two things"
)


def merge(
    current: tuple[Condition, ...],
    *findings: NewCondition,
    now: datetime = START,
    generation: int = 1,
) -> tuple[Condition, ...]:
    return condition_list.merge(current, findings, generation=generation, now=now)


def test_the_order_is_that_of_the_types() -> None:
    pair = NewCondition(ConditionType.PAIR_COMPATIBLE, "True", PairReason.EQUAL, "equal")
    made = merge((), pair, LOCKING, ready())

    assert [each.type for each in made] == ["Ready", "Reconciling", "PairCompatible"]


def test_a_status_that_stays_keeps_its_time_while_its_words_move() -> None:
    first = merge((), ready())
    (merged,) = merge(first, ready(message="2 of 2"), now=LATER, generation=2)

    assert merged.last_transition_time == START
    assert merged.message == "2 of 2"
    assert merged.observed_generation == 2


def test_a_status_that_turns_has_the_time_at_which_it_did() -> None:
    (merged,) = merge(merge((), ready()), ready("False"), now=LATER)

    assert merged.last_transition_time == LATER


def test_the_same_findings_change_nothing() -> None:
    first = merge((), ready(), LOCKING)

    assert merge(first, LOCKING, ready(), now=LATER) == first


def test_what_is_not_found_any_more_leaves_the_list() -> None:
    made = merge(merge((), ready(), LOCKING), ready(), now=LATER)

    assert [each.type for each in made] == ["Ready"]


def test_a_message_is_cut_where_the_schema_ends() -> None:
    (merged,) = merge((), ready(message="x" * 10_000))

    assert len(merged.message) == condition_list.MAX_MESSAGE_LENGTH


@pytest.mark.parametrize(
    "findings",
    [
        pytest.param((ready(), ready("False")), id="a type twice"),
        pytest.param((LOCKING, STALLED), id="Reconciling beside Stalled"),
        pytest.param(
            (NewCondition(ConditionType.READY, "True", StalledReason.LOCK_FAILED, ""),),
            id="a reason of another type",
        ),
        pytest.param(
            (NewCondition(ConditionType.STALLED, "False", StalledReason.LOCK_FAILED, ""),),
            id="a type that stands only while True",
        ),
    ],
)
def test_a_list_that_no_tool_could_read_is_never_made(findings: tuple[NewCondition, ...]) -> None:
    with pytest.raises(ValueError, match=r"."):
        merge((), *findings)


def test_a_time_is_written_as_kubernetes_writes_it() -> None:
    (merged,) = merge((), ready())

    written = merged.model_dump(mode="json", by_alias=True)
    assert written["lastTransitionTime"] == "2026-01-02T03:04:05Z"
    assert Condition.model_validate(written) == merged


def test_every_type_has_reasons_and_every_reason_a_meaning() -> None:
    assert set(REASONS) == set(ORDER)
    for kind in REASONS.values():
        for reason in kind:
            assert reason.meaning.endswith(".")
            assert reason.value.isalnum()
