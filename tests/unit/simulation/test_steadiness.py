"""Requests differ, and yet the counters show the profile's survival."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.simulation.policies import Fixed
from tandem_operator.simulation.run import run
from tandem_operator.simulation.steadiness import over_drafts, per_request
from tests.unit.simulation.builders import world


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=7))
def test_over_drafts_the_curve_of_the_profile_comes_back(values: list[float]) -> None:
    curve = np.sort(np.array(values))[::-1]
    found = per_request(curve)
    assert np.all((found >= 0) & (found <= 1))
    assert over_drafts(np.log(found)) == pytest.approx(curve, abs=0.002)


@pytest.mark.parametrize("hazard", [0.35, 0.7, 0.9])
def test_a_simulated_engine_shows_it(hazard: float) -> None:
    account = run(world(16, hazard, 200.0), Fixed("fixed", 3))
    expected = sum(hazard**place for place in range(4))
    shown = np.mean(
        [one.generated_tokens / one.steps / one.running for one in account.timeline[1:]]
    )
    assert shown == pytest.approx(expected, rel=0.03)
