"""What trying a depth is worth, and how often and how long the engine is asked to try."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning import Settings, initial_state
from tandem_operator.tuning.exploration.schedule import (
    EVERY_STEPS,
    KEEN_EVERY_STEPS,
    LEAST_WORTH,
    LONGEST_KEEN_S,
    OFFSETS,
    STOCK_INTERVALS,
    ExplorationPlan,
    chosen,
    exploration,
    sized,
)
from tandem_operator.tuning.exploration.value import expected_improvement, expected_improvements
from tandem_operator.tuning.policy.goodput_policy import scores_of
from tandem_operator.tuning.table import row_of
from tests.unit.tuning.builders import Engine, drive, memory_bound, tokens_at, window

SETTINGS = Settings(max_tokens=7)
GAINS = st.floats(-1, 1)
DEVIATIONS = st.floats(0, 1)
PLUGIN = {"stock": False, "idle": False, "free": False}
STOCK = PLUGIN | {"stock": True}


@given(gain=GAINS, deviation=DEVIATIONS)
def test_trying_is_worth_at_least_what_it_is_sure_to_gain(gain: float, deviation: float) -> None:
    assert expected_improvement(gain, deviation) >= max(0.0, gain) - 1e-12


@given(gain=GAINS, less=DEVIATIONS, more=DEVIATIONS)
def test_the_more_doubt_the_more_it_is_worth(gain: float, less: float, more: float) -> None:
    assert expected_improvement(gain, less + more) >= expected_improvement(gain, less) - 1e-9


def test_without_doubt_a_loss_is_worth_nothing() -> None:
    assert expected_improvement(-0.2, 0.0) == 0.0
    assert expected_improvement(0.2, 0.0) == 0.2


def test_a_burst_of_stock_counters_fills_scrape_intervals() -> None:
    seen = window(2.0, tokens=3, acceptance=0.7, step_s=0.02, duration_s=2.0)
    assert sized(ExplorationPlan(), (seen,), free=False).burst_steps == STOCK_INTERVALS * 2.0 / 0.02


def test_a_load_that_wanders_does_not_resize_bursts_at_every_round() -> None:
    trying, sizes = ExplorationPlan(), set()
    for turn in range(1, 50):
        step_s = 0.01 if turn % 2 else 0.05
        seen = window(2.0 * turn, tokens=3, acceptance=0.7, step_s=step_s)
        trying = sized(trying, (seen,), free=False)
        sizes.add(trying.burst_steps)
    assert len(sizes) <= 2


def test_a_burst_is_resized_where_the_table_is_written_anyway() -> None:
    seen = window(2.0, tokens=3, acceptance=0.7, step_s=0.02)
    trying = sized(ExplorationPlan(), (seen,), free=False)
    slower = window(4.0, tokens=3, acceptance=0.7, step_s=0.03)
    assert sized(trying, (slower,), free=False) == trying
    assert sized(trying, (slower,), free=True).burst_steps == STOCK_INTERVALS * 2.0 / 0.03


def test_what_is_worth_next_to_nothing_is_not_tried_keenly() -> None:
    sure = chosen(ExplorationPlan(), {1: 0.02, 2: 0.001}, 10.0, **STOCK)
    assert (sure.keen, sure.offsets) == (True, (1,))
    known = chosen(ExplorationPlan(), {1: 0.001}, 10.0, **STOCK)
    assert (known.keen, known.offsets) == (False, OFFSETS)


def test_choices_are_held_longer_and_longer_unless_a_new_table_is_written_anyway() -> None:
    trying, changes = ExplorationPlan(), []
    for turn in range(1800):
        worth = {1: 0.05, 2: 0.0} if turn % 2 else {1: 0.0, 2: 0.05}
        after = chosen(trying, worth, 2.0 * turn, **PLUGIN)
        changes += [turn] if after != trying else []
        trying = after
    assert len(changes) <= 20
    one, two = {1: 0.05, 2: 0.0}, {1: 0.0, 2: 0.05}
    first = chosen(trying, one, 3600.0, **(PLUGIN | {"free": True}))
    second = chosen(first, two, 3600.0, **(PLUGIN | {"free": True}))
    assert (first.offsets, second.offsets) == ((1,), (2,))


@pytest.mark.parametrize("idle", [False, True])
def test_stock_counters_are_not_asked_on_and_on_for_what_they_do_not_tell(idle: bool) -> None:
    """Else the depths on the other side of the table's K are never tried."""
    trying, keen = ExplorationPlan(), [0.0]
    for turn in range(1800):
        trying = chosen(trying, {1: 0.05}, 2.0 * turn, **(STOCK | {"idle": idle}))
        assert trying.keen or trying.offsets == OFFSETS
        keen.append(keen[-1] + 2.0 if trying.keen else 0.0)
    assert max(keen) <= LONGEST_KEEN_S + 4.0
    assert 1 / 60 <= sum(map(bool, keen)) / len(keen) <= 0.35


@pytest.mark.parametrize("off", [True, False])
def test_a_keen_engine_tries_more_often(off: bool) -> None:
    tries = [
        exploration(
            SETTINGS, ExplorationPlan(keen=keen), off=off, stock=False, return_every=EVERY_STEPS
        )
        for keen in (True, False)
    ]
    assert [one["every"] for one in tries if one] == [KEEN_EVERY_STEPS, EVERY_STEPS]


def test_where_k_is_0_and_times_are_known_short_bursts_bring_drafts_to_any_counters() -> None:
    nothing_to_gain: dict[int, float] = {1: 0.0}
    busy, idle = (
        chosen(ExplorationPlan(burst_steps=300), nothing_to_gain, 10.0, **(STOCK | {"idle": idle}))
        for idle in (False, True)
    )
    bursts = [
        exploration(SETTINGS, trying, off=False, stock=True, return_every=EVERY_STEPS)
        for trying in (busy, idle)
    ]
    assert [(one["every"], one["steps"]) for one in bursts if one] == [
        (15_000, 300),
        (EVERY_STEPS, 3),
    ]


def test_what_is_still_tried_keenly_when_much_is_known_costs_next_to_nothing() -> None:
    engine = Engine(memory_bound, 0.7, batch=8)
    state, decisions = drive(engine, SETTINGS, 600)
    assert decisions[0].explore is not None
    assert decisions[0].explore["every"] == KEEN_EVERY_STEPS
    own = tokens_at(decisions[-1], 8)
    for offset in state.exploration_plan.offsets if state.exploration_plan.keen else ():
        tried_s = engine.seconds_per_token(min(7, max(0, own + offset)))
        assert tried_s <= 1.03 * engine.seconds_per_token(own)
    writes = sum(one.explore != other.explore for one, other in pairwise(decisions))
    assert writes <= 15


def test_a_burst_has_at_most_4096_steps() -> None:
    quick = window(10.0, tokens=3, acceptance=0.7, step_s=1e-4, duration_s=10.0)
    assert sized(ExplorationPlan(), (quick,), free=False).burst_steps == 4096


def test_what_is_not_known_apart_is_worth_trying_even_where_it_looks_worse() -> None:
    state = initial_state(SETTINGS)
    scores = scores_of(state, SETTINGS)
    row = row_of(8)
    base = state.table[row]
    worth = expected_improvements(scores, row, base, state, SETTINGS)
    costs = scores.seconds_per_token[row]
    assert worth[scores.column(base)] == 0.0
    for depth in (base - 1, base + 1):
        assert costs[scores.column(depth)] > costs[scores.column(base)]
        assert worth[scores.column(depth)] > LEAST_WORTH
