"""Of two installations that watch one resource one manages it, and the other says so and yields."""

from __future__ import annotations

import pytest

from tandem_operator.reconcile.claims import ANSWER_S, FIRST_REST_S, MOST_ANSWERS, Action, Claims
from tests.unit.reconcile.world import KEY, HandClock

A, B = "a/tandem", "b/tandem"


class Pair:
    """Two installations and the name that stands in status; each reconciles when a test says."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.yielded = {A: 0, B: 0}
        self.claims = {
            name: Claims(name, self.clock, lambda count, name=name: self.count(name, count))  # type: ignore[misc]
            for name in (A, B)
        }
        self.managed_by: str | None = None
        self.writes = 0
        self.event_records: list[tuple[str, str]] = []

    def count(self, name: str, count: int) -> None:
        self.yielded[name] = count

    def claim(self, name: str) -> Action:
        claim = self.claims[name].claim(KEY, self.managed_by)
        if claim.event_record is not None:
            self.event_records.append((name, claim.event_record.reason))
        if claim.action is not Action.WAIT and self.managed_by != name:
            self.managed_by = name
            self.writes += 1
            self.claims[name].written(KEY, name)
        return claim.action


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_who_is_alone_manages_at_once(pair: Pair) -> None:
    assert pair.claim(A) is Action.MANAGE
    assert pair.managed_by == A
    pair.clock.move(1_000)
    assert pair.claim(A) is Action.MANAGE
    assert pair.event_records == []


def test_a_restart_asks_nobody(pair: Pair) -> None:
    pair.managed_by = A
    assert pair.claim(A) is Action.MANAGE
    assert pair.writes == 0


@pytest.mark.parametrize(("manager", "newcomer"), [(A, B), (B, A)])
def test_a_newcomer_yields_to_a_manager_that_lives(pair: Pair, manager: str, newcomer: str) -> None:
    pair.claim(manager)
    pair.clock.move(100)
    assert pair.claim(newcomer) is Action.ASK
    assert pair.claim(manager) is Action.MANAGE
    assert pair.claim(newcomer) is Action.WAIT

    assert pair.managed_by == manager
    assert pair.writes == 3
    assert pair.event_records == [(manager, "SecondInstallation"), (newcomer, "ManagedElsewhere")]
    assert pair.yielded == {manager: 0, newcomer: 1}


def test_a_newcomer_that_yielded_rests_and_asks_again_ever_more_seldom(pair: Pair) -> None:
    pair.claim(A)
    pair.clock.move(100)
    asked = 0
    for _ in range(24 * 60):
        for name in (B, A, B):
            asked += pair.claim(name) is Action.ASK
        pair.clock.move(60)

    assert pair.managed_by == A
    assert 20 <= asked <= 27, "every hour in the end"


def test_a_newcomer_takes_over_from_one_that_is_gone(pair: Pair) -> None:
    pair.managed_by = A
    assert pair.claim(B) is Action.ASK
    pair.clock.move(ANSWER_S - 1)
    assert pair.claim(B) is Action.WAIT, "it may still answer"
    pair.clock.move(1)
    assert pair.claim(B) is Action.MANAGE
    assert pair.yielded[B] == 0


def test_who_comes_back_after_another_took_over_yields(pair: Pair) -> None:
    pair.claim(A)
    pair.claims[A] = Claims(A, pair.clock)  # it was away and starts again
    pair.claim(B)
    pair.clock.move(ANSWER_S)
    pair.claim(B)
    pair.clock.move(100)
    assert [pair.claim(name) for name in (A, B, A)] == [Action.ASK, Action.MANAGE, Action.WAIT]


def test_of_two_that_begin_together_one_stays(pair: Pair) -> None:
    """Neither sees the other's name before it wrote its own."""
    claims = [pair.claims[name].claim(KEY, None).action for name in (A, B)]
    assert claims == [Action.MANAGE, Action.MANAGE]
    pair.managed_by = B
    for _ in range(5):
        pair.claim(A)
        pair.claim(B)

    assert pair.managed_by == A
    assert pair.yielded == {A: 0, B: 1}


def test_a_name_that_could_not_be_written_was_no_question(pair: Pair) -> None:
    pair.managed_by = A
    assert pair.claims[B].claim(KEY, A).action is Action.ASK
    pair.claims[B].not_asked(KEY)
    assert pair.claims[B].claim(KEY, A).action is Action.ASK


def test_one_answer_is_told_once_however_late_its_own_event_is(pair: Pair) -> None:
    pair.claim(A)
    pair.clock.move(100)
    records = [pair.claims[A].claim(KEY, B).event_record for _ in range(3)]
    assert [event_record is not None for event_record in records] == [True, False, False]


def test_against_one_that_never_yields_it_gives_way_itself(pair: Pair) -> None:
    pair.claim(A)
    pair.clock.move(100)
    seen = []
    for _ in range(MOST_ANSWERS + 1):
        pair.managed_by = B
        seen.append(pair.claim(A))

    assert seen == [Action.MANAGE] * MOST_ANSWERS + [Action.WAIT]
    pair.clock.move(FIRST_REST_S - 1)
    assert pair.claim(A) is Action.WAIT
