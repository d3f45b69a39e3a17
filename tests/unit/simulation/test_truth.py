"""One formula of step time, for one step and for many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.simulation.draws import Draws
from tandem_operator.simulation.truth import Truth
from tests.unit.simulation.builders import DENSE

EXPERTS = Truth(
    base_s=0.01,
    token_s=1e-5,
    draft_pass_s=1e-3,
    knee_token_s=1e-4,
    experts=64,
    active_experts=4,
    expert_s=1e-4,
    prefill_weight=0.5,
)


@given(
    truth=st.sampled_from([DENSE, EXPERTS]),
    batch=st.integers(1, 256),
    verified=st.integers(1, 2500),
    context=st.floats(0, 1e6),
    drafted=st.integers(0, 8),
    prefill=st.integers(0, 2048),
)
def test_one_step_costs_what_the_array_formula_says(
    truth: Truth, batch: int, verified: int, context: float, drafted: int, prefill: int
) -> None:
    values = [np.array([float(x)]) for x in (batch, verified, context, drafted, prefill)]
    one_s = truth.step_s(batch, verified, context, drafted, prefill)
    assert one_s == pytest.approx(float(truth.mean_s(*values)[0]))


def test_noise_leaves_the_mean() -> None:
    draws = Draws(3)
    times_s = [DENSE.noisy_s(0.02, draws) for _ in range(4000)]
    assert np.mean(times_s) == pytest.approx(0.02, rel=0.02)
    assert np.std(times_s) > 0
