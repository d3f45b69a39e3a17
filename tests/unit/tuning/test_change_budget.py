"""How much a change must gain as the changes of the hour are used up."""

from __future__ import annotations

from itertools import pairwise

from tandem_operator.tuning.policy.change_budget import (
    LARGEST_BURST,
    LEAST_TOTAL_GAIN,
    MOST_TOTAL_GAIN,
    ChangeBudget,
    needed_gain,
    noted,
    refilled,
    spent,
    stabilized,
)
from tandem_operator.tuning.table import ROWS, Table

WAIT_S = 30.0


def flat(tokens: int) -> Table:
    return (tokens,) * ROWS


def after(*moves: tuple[float, int]) -> ChangeBudget:
    """The budget after the whole table took these K at these times; the first is the start."""
    (start_s, before), *rest = moves
    budget = refilled(ChangeBudget(), 0.0, start_s)
    for now_s, tokens in rest:
        budget = noted(budget, (flat(before),) * 2, (flat(tokens),) * 2, now_s)
        before = tokens
    return budget


def taken(budget: ChangeBudget, now_s: float, old: int, new: int) -> tuple[int, int]:
    """K of the first row without and with prefill when ``new`` is proposed for ``old``."""
    tables = stabilized(budget, (flat(old),) * 2, (flat(new),) * 2, now_s, WAIT_S)
    return tables[0][0], tables[1][0]


def test_each_change_must_gain_more_than_the_one_before() -> None:
    budget, needed = ChangeBudget(), []
    while (gain := needed_gain(budget)) is not None:
        needed.append(gain)
        budget = spent(budget)

    assert len(needed) == LARGEST_BURST
    assert needed[0] == LEAST_TOTAL_GAIN
    assert needed[-1] == MOST_TOTAL_GAIN
    assert all(later >= earlier for earlier, later in pairwise(needed))


def test_a_raise_waits_from_the_start_and_from_when_k_began_to_fall() -> None:
    fallen = after((0.0, 5), (100.0, 2), (120.0, 0))
    assert taken(ChangeBudget(begun_s=0.0), 29.0, 3, 5) == (3, 3)
    assert taken(ChangeBudget(begun_s=0.0), 30.0, 3, 5) == (5, 5)
    assert taken(fallen, 129.0, 0, 2) == (0, 0)
    assert taken(fallen, 130.0, 0, 2) == (2, 2), "a second lowering is not another fall"


def test_after_a_raise_the_next_one_waits_for_nothing() -> None:
    assert taken(after((0.0, 5), (100.0, 0), (130.0, 2)), 132.0, 2, 4) == (4, 4)


def test_lowering_waits_for_nothing() -> None:
    assert taken(after((0.0, 3), (1.0, 2)), 1.0, 2, 0) == (0, 0)


def test_a_clock_that_went_back_holds_no_raise() -> None:
    assert taken(after((500.0, 5), (600.0, 0)), 10.0, 0, 3) == (3, 3)


def test_the_tables_without_and_with_prefill_wait_each_for_its_own_fall() -> None:
    budget = refilled(ChangeBudget(), 0.0, 0.0)
    budget = noted(budget, (flat(5), flat(1)), (flat(5), flat(0)), 100.0)
    assert taken(budget, 110.0, 0, 2) == (2, 0)
    budget = noted(ChangeBudget(begun_s=0.0), (flat(5), flat(0)), (flat(3), flat(0)), 100.0)
    assert taken(budget, 110.0, 0, 2) == (0, 2)
