"""An engine drift changes step times in the middle third; regret is measured by what is true."""

from __future__ import annotations

import pytest

from tandem_operator.simulation.oracle import Knowledge
from tandem_operator.simulation.policies import Clairvoyant, Fixed
from tandem_operator.simulation.run import run
from tandem_operator.simulation.world.drift import DriftError
from tandem_operator.simulation.world.engine_drift import engine_drifting
from tests.unit.simulation.builders import DENSE, world

HORIZON_S = 60.0
BEFORE_S, DURING_S = 10.0, 30.0


def test_without_drift_the_engine_never_changes() -> None:
    at = engine_drifting(DENSE, "none", HORIZON_S)
    assert {id(at(now_s)) for now_s in (0.0, 30.0, 59.0)} == {id(DENSE)}


def test_a_drift_takes_the_middle_third() -> None:
    at = engine_drifting(DENSE, "throttled", HORIZON_S)
    assert at(19.9) is at(40.0) is DENSE
    assert at(20.0) is at(39.9) is not DENSE


@pytest.mark.parametrize("drafted", [0, 5])
def test_a_throttled_engine_is_slower_in_everything(drafted: int) -> None:
    at = engine_drifting(DENSE, "throttled", HORIZON_S)
    before, during = (
        at(now_s).step_s(2, 2 * (drafted + 1), 1000.0, drafted, 256)
        for now_s in (BEFORE_S, DURING_S)
    )
    assert during == pytest.approx(1.6 * before)


def test_a_dear_draft_costs_nothing_where_nothing_is_drafted() -> None:
    dear = engine_drifting(DENSE, "dear-draft", HORIZON_S)(DURING_S)
    assert dear.step_s(2, 2, 1000.0, 0, 0) == DENSE.step_s(2, 2, 1000.0, 0, 0)
    assert dear.step_s(2, 12, 1000.0, 5, 0) > DENSE.step_s(2, 12, 1000.0, 5, 0)


@pytest.mark.parametrize("name", ["throttled", "dear-draft"])
def test_the_oracle_regrets_nothing_on_an_engine_that_changes(name: str) -> None:
    drifting = world(
        2, 0.7, HORIZON_S, truth_at=engine_drifting(DENSE, name, HORIZON_S), plugin=True
    )
    account = run(drifting, Clairvoyant("oracle", Knowledge.REQUESTS))
    # K is felt one step late, so the step that changes the engine is the only one lost.
    assert account.regret < 0.001


def test_a_depth_that_was_best_is_regretted_while_the_draft_is_dear() -> None:
    drifting = world(2, 0.5, HORIZON_S, truth_at=engine_drifting(DENSE, "dear-draft", HORIZON_S))
    moments = run(drifting, Fixed("fixed:5", 5)).timeline
    before = sum(m.loss_s for m in moments if m.now_s < 20.0)
    during = sum(m.loss_s for m in moments if 22.0 < m.now_s < 40.0)
    assert during > 2.0 * before


def test_an_unknown_engine_drift_is_named() -> None:
    with pytest.raises(DriftError, match="thaw"):
        engine_drifting(DENSE, "thaw", HORIZON_S)
