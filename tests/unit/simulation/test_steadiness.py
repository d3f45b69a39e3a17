"""Requests differ, and yet the counters show the profile's survival."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.simulation.policies import Fixed
from tandem_operator.simulation.run import run
from tandem_operator.simulation.world.draws import Draws
from tandem_operator.simulation.world.steadiness import drawn, over_drafts, per_request
from tests.unit.simulation.builders import world


@given(st.lists(st.floats(0.02, 1.0), min_size=1, max_size=7), st.sampled_from([0, 0.1, 0.25, 0.5]))
def test_over_drafts_the_curve_of_the_profile_comes_back(
    values: list[float], spread: float
) -> None:
    curve = np.sort(np.array(values))[::-1]
    fitted = per_request(curve, spread)
    assert np.all((fitted >= 0) & (fitted <= 1))
    assert over_drafts(np.log(fitted), spread) == pytest.approx(curve, abs=0.002)


def test_exponents_have_the_mean_1_and_the_variance_asked_for() -> None:
    draws = Draws(5)
    exponents = [drawn(draws, 0.5) for _ in range(4000)]
    assert np.mean(exponents) == pytest.approx(1.0, abs=0.04)
    assert np.var(exponents) == pytest.approx(0.5, abs=0.06)
    assert drawn(draws, 0.0) == 1.0


@pytest.mark.parametrize(("hazard", "spread"), [(0.35, 0.25), (0.7, 0.25), (0.7, 0.8), (0.9, 0.0)])
def test_a_simulated_engine_shows_it(hazard: float, spread: float) -> None:
    account = run(world(16, hazard, 200.0, spread={"": spread}), Fixed("fixed", 3))
    expected = sum(hazard**place for place in range(4))
    shown = np.mean(
        [one.generated_tokens / one.steps / one.running for one in account.timeline[1:]]
    )
    assert shown == pytest.approx(expected, rel=0.03)
