"""Several replicas teach one model; one that lies or limps does not bend it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from tandem_operator.tuning import Decision, Settings, State, Window, initial_state, tune
from tandem_operator.tuning.step_time.replicas import Replica, watched
from tests.unit.tuning.builders import Engine, memory_bound, tokens_at

SETTINGS = Settings(max_tokens=7)


def fleet(
    engines: list[Engine],
    windows: int,
    state: State | None = None,
    lies: dict[int, dict[str, Any]] | None = None,
) -> tuple[State, list[Decision]]:
    state = initial_state(SETTINGS) if state is None else state
    state, decision = tune(state, (), SETTINGS)
    decisions = []
    for _ in range(windows):
        shown: list[Window] = []
        for place, engine in enumerate(engines):
            window = engine.window(decision)
            shown.append(replace(window, **(lies or {}).get(place, {})))
        state, decision = tune(state, tuple(shown), SETTINGS)
        state = State.from_json(state.to_json())
        decisions.append(decision)
    return state, decisions


def three(hazard: float = 0.3) -> list[Engine]:
    return [Engine(memory_bound, hazard, batch=8, replica=name) for name in "abc"]


def test_three_replicas_decide_as_one() -> None:
    _, decisions = fleet(three(0.7), 50)
    engine = Engine(memory_bound, 0.7, batch=8)
    chosen = tokens_at(decisions[-1], 8)
    assert engine.seconds_per_token(chosen) <= 1.02 * engine.seconds_per_token(engine.best())


def test_one_of_three_that_claims_full_acceptance_does_not_raise_k() -> None:
    engines = three(0.2)
    state, decisions = fleet(engines, 40)
    honest = tokens_at(decisions[-1], 8)
    engines[2].hazard = 0.99
    _, decisions = fleet(engines, 40, state)
    assert max(tokens_at(decision, 8) for decision in decisions) <= honest


def test_one_of_three_that_claims_tiny_steps_does_not_raise_k() -> None:
    engines = three(0.3)
    state, decisions = fleet(engines, 40)
    honest = tokens_at(decisions[-1], 8)
    engines[2].step_s = lambda batch, tokens: 0.001
    _, decisions = fleet(engines, 40, state)
    assert max(tokens_at(decision, 8) for decision in decisions) <= honest
    assert decisions[-1].outliers == ("c",)


def test_a_slow_replica_is_named_after_three_windows_and_forgiven_when_it_recovers() -> None:
    engines = three(0.7)
    state, _ = fleet(engines, 40)
    engines[1].step_s = lambda batch, tokens: 1.6 * memory_bound(batch, tokens)
    state, decisions = fleet(engines, 4, state)
    assert decisions[0].outliers == ()
    assert decisions[-1].outliers == ("b",)
    engines[1].step_s = memory_bound
    _, decisions = fleet(engines, 12, state)
    assert decisions[-1].outliers == ()


def test_replicas_that_join_and_leave_reset_nothing() -> None:
    engines = three(0.7)
    state, decisions = fleet(engines, 40)
    before = decisions[-1].schedule
    state, decisions = fleet(engines[:1], 5, state)
    assert decisions[-1].schedule == before
    late = Engine(memory_bound, 0.7, batch=8, replica="d")
    late.now_s = engines[0].now_s
    _, decisions = fleet([engines[0], late], 5, state)
    assert decisions[-1].schedule == before


def outliers(*scrapes: dict[str, float]) -> list[str]:
    """Replicas that stand out after scrapes of step times over what the fit says."""
    known: tuple[Replica, ...] = ()
    for turn, factors in enumerate(scrapes, start=1):
        ratios = {name: math.log(factor) for name, factor in factors.items()}
        known = watched(known, ratios, 2.0 * turn, 2.0)
    return [replica.name for replica in known if replica.outlier]


def test_of_two_replicas_the_slower_one_stands_out() -> None:
    assert outliers(*[{"a": 1.0, "b": 1.4}] * 3) == ["b"]
    assert outliers(*[{"a": 1.0, "b": 1.2}] * 3) == []


def test_of_three_the_one_far_from_the_middle_stands_out() -> None:
    assert outliers(*[{"a": 1.0, "b": 1.4, "c": 1.05}] * 3) == ["b"]
    assert outliers(*[{"a": 1.0, "b": 0.7, "c": 1.05}] * 3) == ["b"]
    assert outliers(*[{"a": 1.0, "b": 1.3, "c": 1.0}] * 3) == [], "1.3 times is allowed"


def test_one_good_window_forgives_no_long_slowness() -> None:
    slow, good = {"a": 1.0, "b": 1.6, "c": 1.0}, {"a": 1.0, "b": 1.0, "c": 1.0}
    assert outliers(*[slow] * 10, *[good] * 3) == ["b"]
    assert outliers(*[slow] * 10, *[good] * 4) == []
