"""Traffic is gathered while pods keep their K: how long there was any, and how busy they were."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.control.rollouts.depth_watch import DepthSums, added, view
from tandem_operator.control.tuner_settings import with_fixed_tokens
from tandem_operator.tuning import Settings, State
from tests.unit.tuning.builders import Engine, drive, memory_bound

SETTINGS = Settings(max_tokens=7)
KEPT = with_fixed_tokens(SETTINGS, 7)


@pytest.fixture(scope="module")
def busy() -> State:
    return drive(Engine(memory_bound, 0.6, batch=4, stock=True), KEPT, 30)[0]


def rounds(sums: DepthSums, state: State, minutes: float) -> DepthSums:
    for _ in range(int(minutes * 6)):
        sums = added(sums, state, SETTINGS, 10.0)
    return sums


def test_time_without_a_request_is_no_traffic_and_tells_how_busy_the_pods_are(busy: State) -> None:
    sums = rounds(rounds(DepthSums(7), busy, 10), replace(busy, batch=None), 10)
    seen = view(sums, busy, SETTINGS)

    assert seen is not None
    assert (seen.tokens, seen.seconds) == (7, pytest.approx(600))
    assert seen.busy == pytest.approx(0.5, abs=0.05)
    assert seen.batch == pytest.approx(4)
    assert seen.ratios[7] == pytest.approx(1.0)


def test_the_last_hour_counts_most(busy: State) -> None:
    sums = rounds(rounds(DepthSums(7), busy, 240), replace(busy, batch=16.0), 120)
    seen = view(sums, busy, SETTINGS)

    assert seen is not None
    assert seen.batch > 14


def test_a_gap_between_two_rounds_is_no_time_that_was_seen(busy: State) -> None:
    assert added(DepthSums(7), busy, SETTINGS, 86_400.0).seconds == 60.0


def test_before_there_was_traffic_nothing_is_seen(busy: State) -> None:
    idle = replace(busy, batch=None)

    assert view(rounds(DepthSums(7), idle, 10), idle, SETTINGS) is None


def test_another_deepest_k_begins_anew(busy: State) -> None:
    sums = rounds(DepthSums(7), busy, 10)
    deeper = replace(SETTINGS, max_tokens=9)
    sums = added(sums, busy, deeper, 10.0)
    seen = view(sums, busy, deeper)

    assert seen is not None
    assert len(seen.ratios) == 10


@given(st.lists(st.tuples(st.booleans(), st.floats(-5, 500)), min_size=1, max_size=50))
def test_busy_is_a_share_whatever_the_rounds_are(
    busy: State, steps: list[tuple[bool, float]]
) -> None:
    sums = DepthSums(7)
    for traffic, duration_s in steps:
        sums = added(sums, busy if traffic else replace(busy, batch=None), SETTINGS, duration_s)
    seen = view(sums, busy, SETTINGS)
    if seen is not None:
        assert 0 <= seen.busy <= 1.000001
        assert all(ratio > 0 for ratio in seen.ratios)
