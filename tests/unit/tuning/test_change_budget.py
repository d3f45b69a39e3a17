"""How much a change must gain as the changes of the hour are used up."""

from __future__ import annotations

from itertools import pairwise

from tandem_operator.tuning.policy.change_budget import (
    LARGEST_BURST,
    LAST_TOTAL_GAIN,
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
    """The pacing after the whole table took these K at these times; the first is the start."""
    (start_s, before), *rest = moves
    pacing = refilled(ChangeBudget(), 0.0, start_s)
    for now_s, tokens in rest:
        pacing = noted(pacing, (flat(before),) * 2, (flat(tokens),) * 2, now_s)
        before = tokens
    return pacing


def taken(pacing: ChangeBudget, now_s: float, old: int, new: int) -> tuple[int, int]:
    """K of the first row without and with prefill when ``new`` is proposed for ``old``."""
    tables = stabilized(pacing, (flat(old),) * 2, (flat(new),) * 2, now_s, WAIT_S)
    return tables[0][0], tables[1][0]


def test_each_change_must_gain_more_and_the_last_is_for_a_collapse() -> None:
    pacing, needed = ChangeBudget(), []
    while (gain := needed_gain(pacing)) is not None:
        needed.append(gain)
        pacing = spent(pacing)

    assert len(needed) == LARGEST_BURST
    assert needed[0] == LEAST_TOTAL_GAIN
    assert needed[-2:] == [MOST_TOTAL_GAIN, LAST_TOTAL_GAIN]
    assert all(later >= earlier for earlier, later in pairwise(needed))


def test_a_table_that_was_just_changed_for_the_texts_of_now_is_refined_only_for_much() -> None:
    assert needed_gain(ChangeBudget(), soon=True) == MOST_TOTAL_GAIN
    assert needed_gain(ChangeBudget(allowance=1.5), soon=True) == LAST_TOTAL_GAIN
    assert needed_gain(ChangeBudget(allowance=0.5), soon=True) is None


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
