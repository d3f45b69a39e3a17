"""While the acceptance rail holds speculation off, drafts come often enough to end that in time."""

from __future__ import annotations

import pytest

from tandem_operator.tuning import Settings, Thresholds, initial_state, tune
from tandem_operator.tuning.exploration.schedule import EVERY_STEPS
from tests.unit.tuning.builders import window

FOR_S = 10.0
SETTINGS = Settings(
    max_tokens=5,
    policy="Thresholds",
    thresholds=Thresholds(min_acceptance_rate=0.5, for_s=FOR_S),
)


def off_after(*, batch: float, step_s: float) -> int:
    """Steps between bursts once the rail is off, at this load."""
    state, now_s = initial_state(SETTINGS), 0.0
    every = None
    for _ in range(20):
        now_s += 2.0
        seen = window(
            now_s, tokens=3, acceptance=0.1, batch=batch, step_s=step_s, steps=int(2 / step_s)
        )
        state, decision = tune(state, (seen,), SETTINGS)
        assert decision.explore is not None
        every = decision.explore["every"]
    assert decision.reason == "AcceptanceBelowThreshold"
    assert every is not None
    return int(every)


@pytest.mark.parametrize(("batch", "step_s"), [(1, 0.02), (1, 0.08), (4, 0.05)])
def test_a_slow_engine_tries_often_enough_for_its_rail(batch: float, step_s: float) -> None:
    every = off_after(batch=batch, step_s=step_s)

    drafts_in_time = FOR_S / step_s * batch * 3 / every
    assert drafts_in_time >= 15
    assert every >= 25


def test_a_busy_engine_tries_no_more_than_usual() -> None:
    assert off_after(batch=16, step_s=0.02) == EVERY_STEPS


def test_once_on_again_it_tries_as_usual() -> None:
    state, now_s = initial_state(SETTINGS), 0.0
    for accepted in (0.1,) * 20 + (0.9,) * 40:
        now_s += 2.0
        seen = window(now_s, tokens=1, acceptance=accepted, batch=1, step_s=0.05, steps=40)
        state, decision = tune(state, (seen,), SETTINGS)

    assert decision.state == "Active"
    assert decision.explore is not None
    assert decision.explore["every"] >= EVERY_STEPS
