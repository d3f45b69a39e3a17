"""The policy Goodput finds the K that serves a token in the least wall-clock time."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tandem_operator.tuning import Objective, Settings, State, StepCell, initial_state, tune
from tandem_operator.tuning.policy.rollback import Rollback
from tandem_runtime.contract.table import Range
from tests.unit.tuning.builders import Engine, drive, memory_bound, tokens_at

WINDOWS_OF_TWO_MINUTES = 60


@pytest.mark.parametrize("hazard", [0.3, 0.6, 0.85])
@pytest.mark.parametrize("batch", [1, 8, 40, 100])
def test_it_settles_near_the_best_within_two_minutes(hazard: float, batch: int) -> None:
    engine = Engine(memory_bound, hazard, batch=batch)
    _, decisions = drive(engine, Settings(max_tokens=7), WINDOWS_OF_TWO_MINUTES)
    chosen = tokens_at(decisions[-1], batch)
    assert engine.seconds_per_token(chosen) <= 1.025 * engine.seconds_per_token(engine.best())


@pytest.mark.parametrize("hazard", [0.3, 0.6, 0.85])
@pytest.mark.parametrize("batch", [1, 8, 40, 100])
def test_stock_counters_never_end_far_from_the_best(hazard: float, batch: int) -> None:
    engine = Engine(memory_bound, hazard, batch=batch, stock=True)
    _, decisions = drive(engine, Settings(max_tokens=7), 3 * WINDOWS_OF_TWO_MINUTES)
    chosen = tokens_at(decisions[-1], batch)
    assert engine.seconds_per_token(chosen) <= 1.25 * engine.seconds_per_token(engine.best())


def test_a_collapse_of_acceptance_is_answered_within_two_windows() -> None:
    engine = Engine(memory_bound, 0.85)
    settings = Settings(max_tokens=7)
    state, decisions = drive(engine, settings, WINDOWS_OF_TWO_MINUTES)
    assert tokens_at(decisions[-1], 8) >= 4
    engine.hazard = 0.15
    _, decisions = drive(engine, settings, 2, state)
    assert tokens_at(decisions[-1], 8) <= 1


def test_it_comes_back_within_three_windows_without_stabilization() -> None:
    engine = Engine(memory_bound, 0.01)
    settings = Settings(max_tokens=7)
    state, decisions = drive(engine, settings, WINDOWS_OF_TWO_MINUTES)
    assert tokens_at(decisions[-1], 8) == 0
    engine.hazard = 0.85
    _, decisions = drive(engine, settings, 3, state)
    assert tokens_at(decisions[-1], 8) >= 2


def test_what_was_lowered_is_raised_after_the_stabilization_and_lowering_never_waits() -> None:
    engine = Engine(memory_bound, 0.85)
    settings = Settings(max_tokens=7, stabilization_s=60)
    state, _ = drive(engine, settings, WINDOWS_OF_TWO_MINUTES)
    engine.hazard = 0.1
    state, decisions = drive(engine, settings, 2, state)
    low = tokens_at(decisions[-1], 8)
    assert low <= 1
    engine.hazard = 0.85
    state, decisions = drive(engine, settings, 28, state)
    assert max(tokens_at(decision, 8) for decision in decisions) <= low
    _, decisions = drive(engine, settings, 8, state)
    assert tokens_at(decisions[-1], 8) > low


def test_nothing_is_raised_within_the_stabilization_of_the_start() -> None:
    engine = Engine(memory_bound, 0.95)
    settings = Settings(max_tokens=7, stabilization_s=60)
    state, decisions = drive(engine, settings, 29)
    start = tokens_at(decisions[0], 8)
    assert max(tokens_at(decision, 8) for decision in decisions) <= start
    _, decisions = drive(engine, settings, 10, state)
    assert tokens_at(decisions[-1], 8) > start


def test_a_rise_long_after_the_last_lowering_is_answered_within_three_windows() -> None:
    engine = Engine(memory_bound, 0.01)
    settings = Settings(max_tokens=7, stabilization_s=60)
    state, decisions = drive(engine, settings, WINDOWS_OF_TWO_MINUTES)
    assert tokens_at(decisions[-1], 8) == 0
    engine.hazard = 0.85
    _, decisions = drive(engine, settings, 3, state)
    assert tokens_at(decisions[-1], 8) >= 2


def test_no_hour_sees_more_than_fifty_changes() -> None:
    engine = Engine(memory_bound, 0.85)
    settings = Settings(max_tokens=7)
    state, changes = initial_state(settings), 0
    for turn in range(180):
        engine.hazard = 0.85 if turn % 2 else 0.15
        state, decisions = drive(engine, settings, 10, state)
        changes += sum(decision.changed for decision in decisions)
    assert changes <= 50


def test_the_band_and_the_tiers_hold() -> None:
    settings = Settings(max_tokens=5, min_tokens=2, tiers=(0, 1, 3, 5, 7))
    for hazard in (0.05, 0.95):
        engine = Engine(memory_bound, hazard, batch=64, depths=(0, 1, 3, 5))
        _, decisions = drive(engine, settings, 40)
        used = {tokens for decision in decisions for _, _, tokens in decision.schedule}
        assert used <= {3, 5}


def test_the_kill_switch_is_zero_everywhere() -> None:
    _, decision = tune(initial_state(Settings(max_tokens=7)), (), Settings(max_tokens=0))
    assert {tokens for _, _, tokens in decision.schedule} == {0}
    assert (decision.state, decision.reason) == ("Idle", "KillSwitch")


def test_an_objective_that_the_table_misses_lowers_what_it_must() -> None:
    def slow_deep(batch: float, tokens: int) -> float:
        return memory_bound(batch, tokens)

    engine = Engine(slow_deep, 0.8, batch=60)
    state, decisions = drive(engine, Settings(max_tokens=7), 40)
    here = engine.seconds_per_token(tokens_at(decisions[-1], 60))
    strict = Settings(max_tokens=7, objective=Objective(time_per_output_token_s=here * 0.5))
    _, decisions = drive(engine, strict, 20, state)
    chosen = tokens_at(decisions[-1], 60)
    assert engine.seconds_per_token(chosen) <= 1.01 * engine.seconds_per_token(engine.best())


def test_a_speedup_is_said_only_where_no_speculation_was_measured() -> None:
    engine = Engine(memory_bound, 0.85)
    settings = Settings(max_tokens=3)
    state = initial_state(settings)
    state, decision = tune(state, (), settings)
    state, decision = tune(state, (engine.window(decision),), settings)
    assert decision.predicted.speedup is None
    _, decisions = drive(engine, settings, 200, state)
    predicted = decisions[-1].predicted
    assert predicted.speedup_baseline == "Idle"
    chosen = tokens_at(decisions[-1], 8)
    truth = engine.seconds_per_token(0) / engine.seconds_per_token(chosen)
    assert predicted.speedup == pytest.approx(truth, rel=0.05)


def test_the_prediction_is_that_of_the_engine() -> None:
    engine = Engine(memory_bound, 0.7, batch=16)
    _, decisions = drive(engine, Settings(max_tokens=7), WINDOWS_OF_TWO_MINUTES)
    predicted = decisions[-1].predicted
    assert predicted.tokens is not None
    truth = engine.seconds_per_token(predicted.tokens)
    assert predicted.time_per_output_token_s == pytest.approx(truth, rel=0.05)
    assert predicted.survival[:2] == pytest.approx((0.7, 0.49), abs=0.05)


def test_the_predicted_time_per_token_holds_the_prefill_that_there_is() -> None:
    """A fifth of the steps reads prompts and takes five times as long."""
    engine, settings = Engine(memory_bound, 0.7, batch=4), Settings(max_tokens=3, min_tokens=3)
    state = initial_state(settings)
    state, decision = tune(state, (), settings)
    for _ in range(60):
        quiet = engine.window(decision)
        steps = quiet.iterations / 4
        requests, seconds = 4 * steps, 5 * memory_bound(4, 3)
        busy = StepCell(
            batch_from=4,
            batch_to=4,
            tokens=3,
            with_prefill=True,
            steps=steps,
            seconds=steps * seconds,
            batch_sum=requests,
            context_sum=requests * 500,
            prefill_sum=steps * 512,
        )
        window = replace(
            quiet,
            cells=(*(quiet.cells or ()), busy),
            iterations=quiet.iterations + steps,
            request_steps=quiet.request_steps + requests,
            request_step_seconds=quiet.request_step_seconds + requests * seconds,
            generated_tokens=quiet.generated_tokens + requests * (1 + 0.7 + 0.49 + 0.343),
        )
        state, decision = tune(state, (window,), settings)

    predicted = decision.predicted
    assert predicted.realised_time_per_output_token_s is not None
    assert predicted.time_per_output_token_s == pytest.approx(
        predicted.realised_time_per_output_token_s, rel=0.1
    )
    assert predicted.time_per_output_token_s > 1.5 * engine.seconds_per_token(3)


def test_what_was_learned_survives_a_restart() -> None:
    engine = Engine(memory_bound, 0.85, batch=8)
    settings = Settings(max_tokens=7)
    state, before = drive(engine, settings, WINDOWS_OF_TWO_MINUTES)
    _, after = tune(State.from_json(state.to_json()), (), settings)
    assert after.schedule == before[-1].schedule


def test_lost_scrapes_hold_the_last_table() -> None:
    engine = Engine(memory_bound, 0.85)
    settings = Settings(max_tokens=7)
    state, decisions = drive(engine, settings, 40)
    for _ in range(5):
        state, kept = tune(state, (), settings)
        assert (kept.schedule, kept.reason) == (decisions[-1].schedule, "Held")
        assert not kept.changed


def test_a_reset_counter_teaches_nothing() -> None:
    engine = Engine(memory_bound, 0.85)
    settings = Settings(max_tokens=7)
    state, decisions = drive(engine, settings, 40)
    window = engine.window(decisions[-1], reset=True, accepted_by_position=(0.0,) * 7)
    after, decision = tune(state, (window,), settings)
    assert after.survival == state.survival
    assert decision.schedule == decisions[-1].schedule


def test_a_window_costs_at_most_three_milliseconds_and_the_state_32_kib() -> None:
    settings = Settings(max_tokens=7, mixture_of_experts=(128, 8))
    engine = Engine(memory_bound, 0.8)
    state, decision = tune(initial_state(settings), (), settings)
    windows = []
    for turn in range(300):
        engine.batch = 1 + (turn * 7) % 130
        windows.append(engine.window(decision))
        state, decision = tune(state, (windows[-1],), settings)
    assert len(state.to_json()) <= 32 * 1024
    costs_s = []
    for place, window in enumerate(windows, start=1):
        later = replace(window, now_s=engine.now_s + 2.0 * place)
        begun_s = time.process_time()
        state, _ = tune(state, (later,), settings)
        costs_s.append(time.process_time() - begun_s)
    # A busy neighbour makes every instruction dearer for a while: the quietest minute counts.
    assert min(sum(costs_s[start : start + 30]) / 30 for start in range(0, 300, 30)) <= 0.003


def test_once_a_replica_without_the_draft_was_seen_the_speedup_is_over_that() -> None:
    """There K=0 saves the 0.4 ms that keeping an idle draft in step takes."""
    engine, settings = Engine(memory_bound, 0.85), Settings(max_tokens=3)
    state, decisions = drive(engine, settings, 200)
    idle = decisions[-1].predicted.speedup
    bare = Engine(lambda batch, _: memory_bound(batch, 0) - 0.0004, 0.85, replica="b")
    bare.now_s, off = (
        engine.now_s,
        replace(decisions[-1], schedule=(Range(1, 512, 0),), explore=None),
    )
    for _ in range(20):
        shown = bare.window(off, speculation_loaded=False)
        state, decision = tune(state, (engine.window(decisions[-1]), shown), settings)
    predicted = decision.predicted
    assert predicted.speedup_baseline == "NotLoaded"
    assert idle is not None
    assert predicted.speedup == pytest.approx(idle * (1 - 0.0004 / memory_bound(8, 0)), rel=0.005)


def test_what_an_objective_forbids_is_left_even_where_that_gains_little() -> None:
    """Also with the changes of the hour used up but one, and with the tables for prefill there."""
    engine = Engine(memory_bound, 0.8)
    settings = Settings(max_tokens=7)
    state, decisions = drive(engine, settings, 60)
    best = tokens_at(decisions[-1], 8)
    near = best - 1
    limit_s = (engine.seconds_per_token(best) + engine.seconds_per_token(near)) / 2
    strict = replace(settings, objective=Objective(time_per_output_token_s=limit_s))
    before = replace(
        state,
        table=(near,) * len(state.table),
        budget=replace(state.budget, allowance=1.5),
        rollback=Rollback(),
        steps=replace(state.steps, fitted_s=None),
    )
    window = engine.window(decisions[-1])
    after, decision = tune(before, (window,), strict)
    assert tokens_at(decision, 8) == best
    again, _ = tune(replace(before, prefill_table=after.table), (window,), strict)
    assert again.table == after.table
    free, _ = tune(before, (window,), settings)
    assert free.table == before.table, "without the objective the gain is too little"
