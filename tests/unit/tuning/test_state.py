"""What an older operator has learned is read, and what is no state is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tandem_operator.tuning import Settings, State, Thresholds
from tests.unit.tuning.builders import Engine, drive, memory_bound, tokens_at

OLDER = Path(__file__).parents[2] / "data" / "tuner" / "state-1.json"
"""Written at 8 requests of stock counters, three windows after acceptance fell to 0.3."""
SETTINGS = Settings(max_tokens=7, thresholds=Thresholds(min_acceptance_rate=0.2))


def test_what_an_older_operator_learned_is_kept() -> None:
    text = OLDER.read_text()
    stored = json.loads(text)
    state = State.from_json(text)

    assert list(state.table) == stored["table"]
    assert [list(cell) for cell in state.steps.cells] == stored["steps"]["cells"]
    assert state.survival.request_correlation.products == stored["survival"]["likeness"]["products"]
    assert state.survival.changes == 1
    assert state.budget.allowance == stored["pacing"]["allowance"]
    assert state.exploration_plan.burst_steps == stored["trying"]["burst_steps"]
    assert state.rollback.regime_changes == stored["trial"]["upheavals"]
    assert state.guardrail.recent_judged == stored["rail"]["recent_judged"]
    assert state.steps.drift.since_profile == stored["steps"]["pace"]["since_profile"]


def test_a_tuner_goes_on_from_what_an_older_one_learned() -> None:
    state = State.from_json(OLDER.read_text())
    engine = Engine(memory_bound, 0.3, batch=8, stock=True)
    assert state.now_s is not None
    engine.now_s = state.now_s
    _, decisions = drive(engine, SETTINGS, 3, state)
    own = engine.seconds_per_token(tokens_at(decisions[-1], 8))
    assert own <= 1.05 * engine.seconds_per_token(engine.best())


def test_names_of_stored_fields_stay_those_of_older_operators() -> None:
    stored, again = (
        json.loads(OLDER.read_text()),
        json.loads(State.from_json(OLDER.read_text()).to_json()),
    )
    gone = {"use", "off_since_s"}
    assert set(stored) - gone <= set(again)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"table": [1]}', '{"table": "x"}'])
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        State.from_json(text)
