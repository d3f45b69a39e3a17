"""What every K would take, learned from an engine that keeps one K and shows stock counters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem_operator.tuning import Settings, State, initial_state
from tandem_operator.tuning.policy.depth_costs import DepthCosts, Traffic, depth_costs, with_load
from tests.unit.tuning.builders import Engine, drive, memory_bound

SETTINGS = Settings(max_tokens=7)


def kept(tokens: int) -> Settings:
    """An engine that has this K alone."""
    return replace(SETTINGS, max_tokens=tokens, min_tokens=tokens, tiers=(tokens,))


def slow_draft(batch: float, tokens: int) -> float:
    return 0.02 + 0.006 * tokens


def costs_of(state: State, tokens: int, traffic: Traffic | None = None) -> DepthCosts:
    """Those of the last minute's load, if not of other traffic."""
    lately = with_load(Traffic(), state, SETTINGS, 60.0, 1.0)
    costs = depth_costs(state, tokens, SETTINGS, traffic or lately)
    assert costs is not None
    return costs


def learned(engine: Engine, tokens: int) -> State:
    """After minutes at this K, and the steps without drafts that the tuner asks for."""
    return drive(engine, kept(tokens), 100)[0]


def test_a_smaller_k_costs_what_its_steps_and_the_measured_survival_say() -> None:
    engine = Engine(memory_bound, 0.6, batch=2, stock=True)
    costs = costs_of(learned(engine, 7), 7)

    assert costs.seconds_per_token == pytest.approx(engine.seconds_per_token(7), rel=0.05)
    for tokens in range(8):
        true = engine.seconds_per_token(tokens) / engine.seconds_per_token(7)
        assert costs.ratios[tokens] == pytest.approx(true, rel=0.05)


def test_a_deeper_k_is_judged_by_the_curve_of_survival() -> None:
    engine = Engine(memory_bound, 0.85, batch=2, stock=True)
    costs = costs_of(learned(engine, 3), 3)

    assert len(costs.ratios) == 8
    true = engine.seconds_per_token(7) / engine.seconds_per_token(3)
    assert costs.ratios[7] == pytest.approx(true, rel=0.1)


def test_nothing_is_uncertain_of_the_k_in_force_and_more_the_further_away() -> None:
    costs = costs_of(learned(Engine(slow_draft, 0.6, batch=16, stock=True), 7), 7)

    assert costs.deviations[7] == pytest.approx(0.0, abs=0.01)
    assert costs.deviations[1] > costs.deviations[4] > 0.02


def test_acceptance_is_that_of_all_the_traffic_not_of_the_last_minute() -> None:
    easy = learned(Engine(slow_draft, 0.9, batch=4, stock=True), 7)
    hard = learned(Engine(slow_draft, 0.2, batch=4, stock=True), 7)
    traffic = with_load(Traffic(), easy, SETTINGS, 1800.0, 1.0)
    traffic = with_load(traffic, hard, SETTINGS, 60.0, 1.0)

    assert costs_of(hard, 7).ratios[1] < 1 < costs_of(hard, 7, traffic).ratios[1]


def test_load_is_that_of_all_the_traffic() -> None:
    state = learned(Engine(memory_bound, 0.6, batch=2, stock=True), 7)
    busy = learned(Engine(memory_bound, 0.6, batch=64, stock=True), 7)
    traffic = with_load(Traffic(), busy, SETTINGS, 60.0, 1.0)

    assert costs_of(busy, 7).ratios[3] < costs_of(state, 7).ratios[3]
    assert traffic.total == pytest.approx(60 * 64)
    assert traffic.batch / traffic.total == pytest.approx(64)


def test_before_anything_is_measured_there_are_no_costs() -> None:
    state = initial_state(kept(7))

    assert depth_costs(state, 7, SETTINGS, with_load(Traffic(), state, SETTINGS, 60, 1.0)) is None
