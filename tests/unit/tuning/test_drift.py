"""An engine that becomes slower or faster is believed within windows, and K follows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning import Settings, State
from tandem_operator.tuning.policy.rollback import Rollback, outdated
from tandem_operator.tuning.step_time.drift import (
    SHIFT,
    SLIGHT,
    WINDOWS,
    StepTimeDrift,
    shifted,
    taken,
    watched,
)
from tandem_operator.tuning.step_time.model import StepModel, rescaled
from tests.unit.tuning.builders import Engine, drive, memory_bound, tokens_at

HALF_A_MINUTE = 15
SETTINGS = Settings(max_tokens=7, stabilization_s=0.0)
BATCH = 8


def settled(hazard: float = 0.7, *, stock: bool = False) -> tuple[Engine, State]:
    engine = Engine(memory_bound, hazard, batch=BATCH, stock=stock)
    state, _ = drive(engine, SETTINGS, 120)
    return engine, state


def slower(factor: float) -> Callable[[float, int], float]:
    return lambda batch, tokens: factor * memory_bound(batch, tokens)


def dearer_draft(batch: float, tokens: int) -> float:
    """Every drafted token costs four fifths of what a step without them does."""
    return memory_bound(batch, 0) * (1.0 + 0.8 * tokens)


@pytest.mark.parametrize("stock", [False, True])
@pytest.mark.parametrize("factor", [0.5, 1.4, 3.0])
def test_an_engine_that_is_slower_in_everything_keeps_its_k(factor: float, stock: bool) -> None:
    engine, state = settled(stock=stock)
    engine.step_s = slower(factor)
    state, decisions = drive(engine, SETTINGS, HALF_A_MINUTE, state)
    assert state.steps.drift.shifts == 1
    predicted = decisions[-1].predicted.step_seconds
    chosen = tokens_at(decisions[-1], BATCH)
    assert predicted == pytest.approx(engine.step_s(BATCH, chosen), rel=0.1)
    best = engine.seconds_per_token(engine.best())
    assert engine.seconds_per_token(chosen) <= 1.02 * best


@pytest.mark.parametrize("stock", [False, True])
def test_a_draft_that_became_dear_is_used_less_within_a_minute(stock: bool) -> None:
    engine, state = settled(stock=stock)
    assert tokens_at(drive(engine, SETTINGS, 1, state)[1][-1], BATCH) >= 5
    engine.step_s = dearer_draft
    _, decisions = drive(engine, SETTINGS, 30, state)
    best = engine.seconds_per_token(engine.best())
    assert engine.seconds_per_token(tokens_at(decisions[-1], BATCH)) <= 1.03 * best


def test_a_slow_spell_shorter_than_the_windows_is_no_shift() -> None:
    engine, state = settled()
    engine.step_s = slower(1.5)
    state, _ = drive(engine, SETTINGS, WINDOWS - 1, state)
    engine.step_s = memory_bound
    state, _ = drive(engine, SETTINGS, 10, state)
    assert state.steps.drift.shifts == 0


def test_promises_after_a_shift_are_those_of_the_new_pace() -> None:
    engine, state = settled(stock=True)
    engine.step_s = dearer_draft
    _, decisions = drive(engine, SETTINGS, 40, state)
    assert "Reverted" not in {decision.reason for decision in decisions}


def test_another_pace_ends_a_trial() -> None:
    _, state = settled()
    rollback = Rollback(regime_changes=state.regime_changes)
    assert not outdated(rollback, state.regime_changes)
    other = replace(state, steps=replace(state.steps, drift=taken(state.steps.drift, 0.3)))
    assert outdated(rollback, other.regime_changes)


def test_the_first_depth_seen_at_another_pace_does_not_look_better_than_all_others() -> None:
    engine, state = settled(stock=True)
    before = tokens_at(drive(engine, SETTINGS, 1, state)[1][-1], BATCH)
    engine.step_s = slower(0.5)
    _, decisions = drive(engine, SETTINGS, WINDOWS - 1, state)
    assert {tokens_at(decision, BATCH) for decision in decisions} == {before}


def test_a_doubt_that_nothing_ends_does_not_hold_the_table_for_good() -> None:
    engine, state = settled()
    doubt = StepTimeDrift(windows=1, total=-0.5)
    for _ in range(30):
        state = replace(state, steps=replace(state.steps, drift=doubt, cells=()))
        state, _ = drive(engine, SETTINGS, 1, state)
    assert state.now_s is not None
    assert state.steps.fitted_s is not None
    assert state.now_s - state.steps.fitted_s <= 20.0


def test_windows_on_either_side_are_no_shift() -> None:
    drift = StepTimeDrift()
    for turn in range(20):
        drift = watched(drift, 0.3 if turn % 2 else -0.3)
        assert shifted(drift) is None


@given(st.lists(st.floats(-10, 10), max_size=40))
def test_a_shift_is_the_mean_of_the_last_windows_all_beyond_on_one_side(
    ratios: list[float],
) -> None:
    drift = StepTimeDrift()
    for ratio in ratios:
        drift = watched(drift, ratio)
    last: list[float] = []
    for ratio in ratios:
        one_side = not last or last[-1] * ratio > 0
        last = [] if abs(ratio) < SLIGHT else [*last, ratio] if one_side else [ratio]
    sum_of_last = abs(sum(max(-3.0, min(3.0, ratio)) for ratio in last))
    shift = shifted(drift)
    if len(last) < WINDOWS or sum_of_last < SHIFT - 1e-3:
        assert shift is None
    elif sum_of_last > SHIFT + 1e-3:
        assert shift == pytest.approx(math.copysign(sum_of_last, last[0]) / len(last), abs=1e-4)
        assert taken(drift, shift).shifts == 1


@pytest.mark.parametrize(
    ("ratio", "stock", "windows"),
    [
        (0.5, False, 4),
        (0.16, False, 4),
        (-0.1, False, 6),
        (0.04, False, None),
        (0.16, True, 4),
        (-0.1, True, None),
    ],
)
def test_a_small_change_is_believed_later_than_a_large_one_and_not_by_means_of_all_steps(
    ratio: float, stock: bool, windows: int | None
) -> None:
    drift, believed = StepTimeDrift(), None
    for turn in range(1, 50):
        drift = watched(drift, ratio, stock=stock)
        if believed is None and shifted(drift) is not None:
            believed = turn
    assert believed == windows


def test_what_was_known_is_known_at_the_new_pace() -> None:
    drift = StepTimeDrift(windows=WINDOWS, total=WINDOWS * math.log(2.0))
    known = rescaled(StepModel(fastest_s=0.01, drift=drift))
    assert known.fastest_s == pytest.approx(0.02)
    assert known.drift == StepTimeDrift(since_profile=round(math.log(2.0), 5), shifts=1)
