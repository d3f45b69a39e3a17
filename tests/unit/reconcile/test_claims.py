"""Of two installations that watch one resource one manages it, and the other says so and yields."""

from __future__ import annotations

import pytest

from tandem_operator.reconcile.claims import ANSWER_S, FIRST_REST_S, MOST_ANSWERS, Claims, Stand
from tests.unit.reconcile.world import KEY, HandClock

A, B = "a/tandem", "b/tandem"


class Pair:
    """Two installations and the name that stands in status; each looks when a test says."""

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

    def look(self, name: str) -> Stand:
        claim = self.claims[name].judge(KEY, self.managed_by)
        if claim.event_record is not None:
            self.event_records.append((name, claim.event_record.reason))
        if claim.stand is not Stand.WAIT and self.managed_by != name:
            self.managed_by = name
            self.writes += 1
        return claim.stand


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_who_is_alone_manages_at_once(pair: Pair) -> None:
    assert pair.look(A) is Stand.MANAGE
    assert pair.managed_by == A
    pair.clock.move(1_000)
    assert pair.look(A) is Stand.MANAGE
    assert pair.event_records == []


def test_a_restart_asks_nobody(pair: Pair) -> None:
    pair.managed_by = A
    assert pair.look(A) is Stand.MANAGE
    assert pair.writes == 0


@pytest.mark.parametrize(("manager", "newcomer"), [(A, B), (B, A)])
def test_a_newcomer_yields_to_a_manager_that_lives(pair: Pair, manager: str, newcomer: str) -> None:
    pair.look(manager)
    pair.clock.move(100)
    assert pair.look(newcomer) is Stand.ASK
    assert pair.look(manager) is Stand.MANAGE
    assert pair.look(newcomer) is Stand.WAIT

    assert pair.managed_by == manager
    assert pair.writes == 3
    assert pair.event_records == [(manager, "SecondInstallation"), (newcomer, "ManagedElsewhere")]
    assert pair.yielded == {manager: 0, newcomer: 1}


def test_a_newcomer_that_yielded_rests_and_asks_again_ever_more_seldom(pair: Pair) -> None:
    pair.look(A)
    pair.clock.move(100)
    asked = 0
    for _ in range(24 * 60):
        for name in (B, A, B):
            asked += pair.look(name) is Stand.ASK
        pair.clock.move(60)

    assert pair.managed_by == A
    assert 20 <= asked <= 27, "every hour in the end"


def test_a_newcomer_takes_over_from_one_that_is_gone(pair: Pair) -> None:
    pair.managed_by = A
    assert pair.look(B) is Stand.ASK
    pair.clock.move(ANSWER_S - 1)
    assert pair.look(B) is Stand.WAIT, "it may still answer"
    pair.clock.move(1)
    assert pair.look(B) is Stand.MANAGE
    assert pair.yielded[B] == 0


def test_who_comes_back_after_another_took_over_yields(pair: Pair) -> None:
    pair.look(A)
    pair.claims[A] = Claims(A, pair.clock)  # it was away and starts again
    pair.look(B)
    pair.clock.move(ANSWER_S)
    pair.look(B)
    pair.clock.move(100)
    assert [pair.look(name) for name in (A, B, A)] == [Stand.ASK, Stand.MANAGE, Stand.WAIT]


def test_of_two_that_begin_together_one_stays(pair: Pair) -> None:
    """Neither sees the other's name before it wrote its own."""
    claims = [pair.claims[name].judge(KEY, None).stand for name in (A, B)]
    assert claims == [Stand.MANAGE, Stand.MANAGE]
    pair.managed_by = B
    for _ in range(5):
        pair.look(A)
        pair.look(B)

    assert pair.managed_by == A
    assert pair.yielded == {A: 0, B: 1}


def test_a_name_that_could_not_be_written_was_no_question(pair: Pair) -> None:
    pair.managed_by = A
    assert pair.claims[B].judge(KEY, A).stand is Stand.ASK
    pair.claims[B].not_asked(KEY)
    assert pair.claims[B].judge(KEY, A).stand is Stand.ASK


def test_one_answer_is_told_once_however_late_its_own_event_is(pair: Pair) -> None:
    pair.look(A)
    pair.clock.move(100)
    records = [pair.claims[A].judge(KEY, B).event_record for _ in range(3)]
    assert [event_record is not None for event_record in records] == [True, False, False]


def test_against_one_that_never_yields_it_gives_way_itself(pair: Pair) -> None:
    pair.look(A)
    pair.clock.move(100)
    seen = []
    for _ in range(MOST_ANSWERS + 1):
        pair.managed_by = B
        seen.append(pair.look(A))
        pair.look(A)

    assert seen == [Stand.MANAGE] * MOST_ANSWERS + [Stand.WAIT]
    pair.clock.move(FIRST_REST_S - 1)
    assert pair.look(A) is Stand.WAIT
