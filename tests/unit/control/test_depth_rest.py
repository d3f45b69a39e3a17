"""From windows to rollouts: where K comes to rest by stock counters, with no trial of another K."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import cycle

import pytest

from tandem_operator.control.rollouts.depth_watch import DepthSums, added, view
from tandem_operator.control.tuner_settings import with_fixed_tokens
from tandem_operator.planning.rollout.depth import PodStart, chosen
from tandem_operator.tuning import Settings, State, initial_state, tune
from tests.unit.tuning.builders import Engine, memory_bound

SETTINGS = Settings(max_tokens=7)
PRICE = PodStart(300.0, True)
DWELL_S = 14_400.0


def compute_bound(batch: float, tokens: int) -> float:
    return 0.05 + 0.0015 * batch * (tokens + 1) + (0.002 + 0.001 * tokens if tokens else 0.0)


def slow_draft(batch: float, tokens: int) -> float:
    return 0.02 + 0.006 * tokens


def kept(engine: Engine, tokens: int, batches: tuple[int, ...], state: State | None) -> State:
    """Half an hour with this K alone, whatever the tuner would like to try."""
    settings, loads = with_fixed_tokens(SETTINGS, tokens), cycle(batches)
    state, decision = tune(state or initial_state(settings), (), settings)
    engine.now_s = state.now_s or 0.0
    for _ in range(180):
        engine.batch = next(loads)
        window = engine.window(replace(decision, explore=None))
        state, decision = tune(state, (window,), settings)
    return state


@pytest.mark.parametrize(
    ("truth", "hazard", "batches", "near"),
    [
        (memory_bound, 0.3, (2,), 1.05),
        (memory_bound, 0.85, (16,), 1.05),
        (compute_bound, 0.3, (16,), 1.05),
        (compute_bound, 0.6, (1, 4, 16, 8), 1.05),
        (compute_bound, 0.85, (1, 4, 16, 8), 1.05),
        (slow_draft, 0.3, (8,), 1.05),
        (slow_draft, 0.85, (2,), 1.1),
    ],
)
def test_k_comes_to_rest_near_the_best_one_after_few_rollouts(
    truth: Callable[[float, int], float], hazard: float, batches: tuple[int, ...], near: float
) -> None:
    tokens, rollouts, state = 7, 0, None
    engine = Engine(truth, hazard, batch=batches[0], stock=True, scrape_s=10.0)
    while True:
        state = kept(engine, tokens, batches, state)
        sums = DepthSums(tokens)
        for batch in batches:
            sums = added(sums, replace(state, batch=float(batch)), SETTINGS, 60.0)
        seen = view(sums, state, SETTINGS)
        assert seen is not None
        choice = chosen(seen, DWELL_S, PRICE)
        if choice is None:
            break
        tokens, rollouts = choice.tokens, rollouts + 1
        assert rollouts <= 3

    def cost(depth: int) -> float:
        steps_s = sum(truth(batch, depth) for batch in batches)
        return steps_s / sum(hazard**place for place in range(depth + 1))

    assert cost(tokens) <= near * min(map(cost, range(1, 8)))
