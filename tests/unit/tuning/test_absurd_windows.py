"""Whatever windows come, the table is valid, inside the band, under the guardrails, and finite."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tandem_operator.tuning import (
    Objective,
    Settings,
    State,
    StepCell,
    Thresholds,
    Window,
    initial_state,
    tune,
)
from tests.unit.tuning.builders import window as honest_window

ABSURD = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -1.0, 1e-300, 1e-9, 1.0, 3.0, 1e6, 1e12, 1e300]),
)
PLAUSIBLE = st.one_of(st.integers(0, 5000).map(float), st.floats(0, 5000))
NUMBER = st.one_of(PLAUSIBLE, PLAUSIBLE, PLAUSIBLE, ABSURD)

CELLS = st.builds(
    StepCell,
    batch_from=st.integers(-5, 10_000),
    batch_to=st.integers(-5, 10_000),
    tokens=st.integers(-2, 40),
    with_prefill=st.booleans(),
    steps=NUMBER,
    seconds=NUMBER,
    batch_sum=NUMBER,
    context_sum=NUMBER,
    prefill_sum=NUMBER,
    verified_sum=st.none() | NUMBER,
)
ABSURD_WINDOWS = st.builds(
    Window,
    replica=st.sampled_from(["", "a", "b", "c"]),
    now_s=NUMBER,
    duration_s=NUMBER,
    running=NUMBER,
    waiting=NUMBER,
    context_tokens=st.none() | NUMBER,
    request_steps=NUMBER,
    request_step_seconds=NUMBER,
    iterations=NUMBER,
    generated_tokens=NUMBER,
    first_tokens=NUMBER,
    prefill_tokens=NUMBER,
    drafts=NUMBER,
    draft_tokens=NUMBER,
    accepted_by_position=st.lists(NUMBER, max_size=12).map(tuple),
    drafted_by_position=st.none() | st.lists(NUMBER, max_size=12).map(tuple),
    cells=st.none() | st.lists(CELLS, max_size=4).map(tuple),
    speculation_loaded=st.booleans(),
    reset=st.booleans(),
    bypassed_request_steps=NUMBER,
    mixed_depth_steps=st.none() | NUMBER,
    first_token_seconds=st.none() | NUMBER,
)


@st.composite
def nearly_honest(draw: st.DrawFn) -> Window:
    """A window that a real engine might report, with up to two fields and some cells gone wrong."""
    honest = honest_window(
        draw(st.floats(0, 1e5)),
        tokens=draw(st.integers(0, 7)),
        acceptance=draw(st.floats(0, 1)),
        batch=draw(st.integers(1, 300)),
        steps=draw(st.integers(1, 400)),
        step_s=draw(st.sampled_from([1e-5, 0.003, 0.02, 0.5, 20.0])),
        duration_s=draw(st.sampled_from([0.0, 2.0, 10.0, 4000.0])),
        replica=draw(st.sampled_from(["", "a", "b", "c"])),
        context_tokens=draw(st.none() | PLAUSIBLE),
        cells=draw(st.none() | st.lists(CELLS, max_size=4).map(tuple)),
        speculation_loaded=draw(st.booleans()),
    )
    names = ["now_s", "request_steps", "iterations", "prefill_tokens", "first_tokens", "drafts"]
    wrong = draw(st.dictionaries(st.sampled_from(names), NUMBER, max_size=2))
    for name, value in wrong.items():
        object.__setattr__(honest, name, value)
    return honest


WINDOWS = st.one_of(nearly_honest(), nearly_honest(), ABSURD_WINDOWS)


@st.composite
def asked(draw: st.DrawFn) -> Settings:
    deepest = draw(st.integers(0, 12))
    return Settings(
        max_tokens=deepest,
        min_tokens=draw(st.integers(0, deepest)),
        policy=draw(st.sampled_from(["Goodput", "Thresholds"])),
        mixture_of_experts=draw(st.sampled_from([None, (64, 4)])),
        thresholds=draw(
            st.none()
            | st.builds(
                Thresholds,
                min_acceptance_rate=st.none() | st.floats(0, 1),
                max_concurrency=st.none() | st.integers(1, 700),
                for_s=st.sampled_from([0.0, 10.0, 60.0]),
            )
        ),
        objective=draw(st.none() | st.just(Objective(0.01, 0.5))),
        stabilization_s=draw(st.sampled_from([0.0, 30.0])),
        tiers=draw(st.none() | st.just((0, 1, 3, 5, 7))),
    )


def numbers_in(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for one in value.values() for number in numbers_in(one)]
    if isinstance(value, list):
        return [number for one in value for number in numbers_in(one)]
    return [value] if isinstance(value, float) else []


def check(schedule: tuple[tuple[int, int, int], ...], chosen: Settings) -> None:
    assert schedule[0][0] == 1
    for before, after in pairwise(schedule):
        assert after[0] == before[1] + 1
    limit = chosen.max_concurrency
    for start, top, tokens in schedule:
        assert start <= top
        assert tokens == 0 or tokens in chosen.active_depths
        if limit is not None and top > limit:
            assert start > limit or tokens == 0
            assert tokens == 0


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(chosen=asked(), scrapes=st.lists(st.lists(WINDOWS, max_size=3), max_size=8))
def test_no_window_breaks_table_or_state(chosen: Settings, scrapes: list[list[Window]]) -> None:
    state = initial_state(chosen)
    for windows in scrapes:
        state, decision = tune(state, tuple(windows), chosen)
        check(decision.schedule, chosen)
        if decision.prefill_schedule is not None:
            check(decision.prefill_schedule, chosen)
        text = state.to_json()
        assert len(text) <= 32 * 1024
        assert all(math.isfinite(number) for number in numbers_in(json.loads(text)))
        assert State.from_json(text) == state


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(windows=st.lists(WINDOWS, min_size=3, max_size=8), old=asked(), new=asked())
def test_settings_may_change_at_any_time(
    windows: list[Window], old: Settings, new: Settings
) -> None:
    state = initial_state(old)
    for window in windows:
        state, _ = tune(state, (window,), old)
    _, decision = tune(state, (), new)
    check(decision.schedule, new)


def test_impossible_counters_hold_first_and_then_go_off() -> None:
    chosen = Settings(max_tokens=7)
    state = initial_state(chosen)
    broken = Window(
        now_s=2.0,
        duration_s=2.0,
        running=4,
        waiting=0,
        request_steps=100,
        request_step_seconds=2.0,
        iterations=25,
        generated_tokens=150,
        first_tokens=0,
        prefill_tokens=0,
        drafts=float("nan"),
        draft_tokens=300,
        accepted_by_position=(90.0,),
    )
    states = []
    for _ in range(4):
        state, decision = tune(state, (broken,), chosen)
        states.append((decision.state, decision.reason))
    assert states[0] == ("Active", "ImpossibleCounters")
    assert states[-1] == ("Idle", "ImpossibleCounters")
