"""One formula of step time, for one step and for many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.simulation.world.draws import Draws
from tandem_operator.simulation.world.truth import Truth
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


@given(tokens=st.floats(1, 4000), knee=st.floats(0, 1000))
def test_the_knee_is_round_only_near_itself(tokens: float, knee: float) -> None:
    truth = Truth(base_s=0.01, token_s=0.0, draft_pass_s=0.0, knee_tokens=knee, knee_token_s=1e-4,
                  padding=1, captured_tokens=10_000)  # fmt: skip
    values = [np.array([x]) for x in (1.0, np.ceil(tokens), 0.0, 0.0, 0.0)]
    hinge_s = 0.01 + 1e-4 * max(0.0, np.ceil(tokens) - knee)
    more_s = float(truth.mean_s(*values)[0]) - hinge_s
    assert -1e-12 <= more_s <= 1e-4 * 0.06 * max(1.0, knee)
    if abs(np.ceil(tokens) - knee) > 0.5 * max(1.0, knee):
        assert more_s < 1e-4 * 0.06 * max(1.0, knee) / 1000


def test_an_engine_without_a_knee_takes_what_its_coefficients_say() -> None:
    truth = Truth(base_s=0.01, token_s=1e-4, draft_pass_s=0.0, padding=1)
    assert truth.step_s(1, 100, 0.0, 0, 0) == pytest.approx(0.02)
