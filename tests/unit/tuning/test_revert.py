"""A table that is slower than promised goes back to the last good one, and is tried more rarely."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem_operator.tuning import Settings, State, Thresholds, tune
from tandem_operator.tuning.policy.rollback import (
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    Rollback,
    begun,
    paused,
)
from tests.unit.tuning.builders import Engine, drive, memory_bound, tokens_at

BATCH = 8
SETTINGS = Settings(max_tokens=7)


def settled(hazard: float = 0.85) -> tuple[Engine, State]:
    """An engine whose table has come to rest."""
    engine = Engine(memory_bound, hazard, batch=BATCH)
    state, _ = drive(engine, SETTINGS, 90)
    return engine, replace(state, rollback=Rollback())


def deceived(state: State, now_s: float, tokens: int) -> State:
    """The state just after a change to ``tokens`` everywhere that promises half the time.

    The model was fitted just now, so that it has no word before the trial's three windows.
    """
    table = (tokens,) * len(state.table)
    rollback = begun(
        state.rollback,
        (state.table, state.prefill_table),
        (0.0005,) * len(table),
        now_s,
        state.regime_changes,
    )
    fresh = replace(state.steps, fitted_s=now_s)
    return replace(state, table=table, prefill_table=table, rollback=rollback, steps=fresh)


def test_three_slow_windows_bring_the_last_table_back() -> None:
    engine, good = settled()
    own = good.table
    state = deceived(good, engine.now_s, 1)
    state, decisions = drive(engine, SETTINGS, 3, state)
    reasons = [decision.reason for decision in decisions]
    assert reasons[-1] == "Reverted"
    assert "Reverted" not in reasons[:-1]
    assert state.table == own
    assert "slower than promised in 3 windows" in decisions[-1].message


def test_a_table_that_keeps_its_promise_stays() -> None:
    engine, good = settled()
    state = deceived(good, engine.now_s, 1)
    honest = replace(state.rollback, promised=(1.0,) * len(state.table))
    _, decisions = drive(engine, SETTINGS, 4, replace(state, rollback=honest))
    assert "Reverted" not in {decision.reason for decision in decisions}


def test_one_good_window_among_the_slow_ones_forgives() -> None:
    engine, good = settled()
    state = deceived(good, engine.now_s, 1)
    state, _ = drive(engine, SETTINGS, 2, state)
    kept = replace(state, rollback=replace(state.rollback, promised=(1.0,) * len(state.table)))
    kept, _ = drive(engine, SETTINGS, 1, kept)
    assert kept.rollback.slow_windows == 0
    assert kept.rollback.reverts == 0


def test_a_change_of_the_texts_ends_the_rollback() -> None:
    engine, good = settled()
    state = deceived(good, engine.now_s, 6)
    engine.hazard = 0.1
    state, decisions = drive(engine, SETTINGS, 4, state)
    assert "Reverted" not in {decision.reason for decision in decisions}
    assert tokens_at(decisions[-1], BATCH) <= 1


def test_each_further_revert_doubles_the_pause_up_to_eight_minutes() -> None:
    engine, good = settled()
    state, pauses = good, []
    for _ in range(6):
        state = deceived(state, engine.now_s, 1)
        state, decisions = drive(engine, SETTINGS, 3, state)
        assert decisions[-1].reason == "Reverted"
        until_s = state.rollback.paused_until_s
        assert until_s is not None
        pauses.append(until_s - engine.now_s)
    doubled = [FIRST_PAUSE_S * 2.0**turn for turn in range(6)]
    assert pauses == [pytest.approx(min(LONGEST_PAUSE_S, pause)) for pause in doubled]


def test_nothing_is_changed_during_the_pause_and_again_after_it() -> None:
    engine, good = settled()
    shallow = (2,) * len(good.table)
    state = deceived(replace(good, table=shallow, prefill_table=shallow), engine.now_s, 1)
    state, decisions = drive(engine, SETTINGS, 3, state)
    assert decisions[-1].reason == "Reverted"
    while paused(state.rollback, engine.now_s + 2.0, state.regime_changes):
        state, decisions = drive(engine, SETTINGS, 1, state)
        assert state.table == shallow
    state, decisions = drive(engine, SETTINGS, 10, state)
    assert tokens_at(decisions[-1], BATCH) == engine.best()


def test_other_texts_end_the_pause() -> None:
    engine, good = settled()
    state = deceived(good, engine.now_s, 1)
    state, decisions = drive(engine, SETTINGS, 3, state)
    assert decisions[-1].reason == "Reverted"
    engine.hazard = 0.05
    state, decisions = drive(engine, SETTINGS, 3, state)
    assert tokens_at(decisions[-1], BATCH) <= 1
    assert paused(state.rollback, engine.now_s, state.rollback.regime_changes)


def test_what_the_acceptance_rail_holds_off_breaks_no_promise() -> None:
    engine, good = settled()
    limits = Thresholds(min_acceptance_rate=0.5, for_s=0.0)
    railed = Settings(max_tokens=7, thresholds=limits)
    off = replace(good, guardrail=replace(good.guardrail, off=True))
    off, decision = tune(off, (), railed)
    assert tokens_at(decision, BATCH) == 0
    state = deceived(off, engine.now_s, 1)
    promised = replace(state.rollback, regime_changes=state.regime_changes)
    state, decisions = drive(engine, railed, 4, replace(state, rollback=promised))
    assert "Reverted" not in {decision.reason for decision in decisions}
    assert state.rollback.reverts == 0


def test_an_engine_held_off_is_not_slower_than_predicted() -> None:
    engine, good = settled()
    few = Settings(max_tokens=7, thresholds=Thresholds(max_concurrency=BATCH - 1))
    state, decisions = drive(engine, few, 30, good)
    assert tokens_at(decisions[-1], BATCH) == 0
    assert state.service.slower == pytest.approx(0.0, abs=0.03)


def test_windows_full_of_prefill_judge_no_table() -> None:
    engine, good = settled()
    state = deceived(good, engine.now_s, 1)
    for _ in range(4):
        state, decision = tune(state, (), SETTINGS)
        state, _ = tune(state, (engine.window(decision, prefill_tokens=1e5),), SETTINGS)
    assert state.rollback.slow_windows == 0
