"""What the user's latency objectives forbid, and what they leave."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tandem_operator.tuning import Decision, Objective, Settings, initial_state, tune
from tandem_operator.tuning.policy.goodput import Scores
from tandem_operator.tuning.policy.objective import Service, allowed_depths, measured
from tandem_operator.tuning.table import ROWS
from tests.unit.tuning.builders import Engine, memory_bound

DEPTHS = (0, 1, 3)
COSTS_S = (0.030, 0.020, 0.010)
"""Seconds a token at each depth, in every row."""


def allowed(limit_s: float | None, slower: float = 0.0) -> set[tuple[int, ...]]:
    costs = np.tile(np.array(COSTS_S), (ROWS, 1))
    scores = Scores(DEPTHS, np.ones(len(DEPTHS)), costs, costs)
    objective = None if limit_s is None else Objective(time_per_output_token_s=limit_s)
    return set(allowed_depths(scores, DEPTHS, objective, Service(slower=slower)))


@pytest.mark.parametrize(
    ("limit_s", "left"),
    [(None, DEPTHS), (0.05, DEPTHS), (0.025, (1, 3)), (0.012, (3,)), (0.001, (3,))],
)
def test_depths_that_would_miss_the_objective_are_left_out_but_for_the_fastest(
    limit_s: float | None, left: tuple[int, ...]
) -> None:
    assert allowed(limit_s) == {left}


def test_an_engine_that_is_slower_than_predicted_has_less_room() -> None:
    assert allowed(0.025, slower=math.log(1.2)) == {(1, 3)}
    assert allowed(0.025, slower=math.log(1.3)) == {(3,)}
    assert allowed(0.025, slower=-math.log(1.3)) == {DEPTHS}


def deepest_with_prefill(first_token_s: float) -> tuple[int, Decision]:
    """K with prefill after a minute in which a first token took so long; one second is asked."""
    engine = Engine(memory_bound, 0.85)
    settings = Settings(max_tokens=7, objective=Objective(time_to_first_token_s=1.0))
    state = initial_state(settings)
    state, decision = tune(state, (), settings)
    for _ in range(30):
        window = engine.window(decision, first_tokens=4, first_token_seconds=4 * first_token_s)
        state, decision = tune(state, (window,), settings)
    ranges = decision.prefill_schedule or decision.schedule
    return max(tokens for _, _, tokens in ranges), decision


def test_while_prompts_wait_too_long_steps_with_prefill_draft_nothing() -> None:
    late, decision = deepest_with_prefill(1.5)

    assert late == 0
    assert max(tokens for _, _, tokens in decision.schedule) > 0


def test_prompts_that_wait_short_enough_cost_no_drafts() -> None:
    assert deepest_with_prefill(0.9)[0] > 0


def waiting(*first_token_s: float | None) -> float | None:
    """The smoothed time to first token after windows of half a minute."""
    service = Service()
    for seconds in first_token_s:
        service = measured(service, None, None, seconds, 30.0)
    return service.first_token_s


def test_the_time_to_first_token_follows_what_is_measured() -> None:
    assert waiting(None) is None
    assert waiting(1.0) == 1.0
    assert waiting(1.0, None) == 1.0
    assert waiting(1.0, 2.0) == pytest.approx(2.0 - math.exp(-1.0))
    assert waiting(2.0, 1.0) == pytest.approx(1.0 + math.exp(-1.0))
