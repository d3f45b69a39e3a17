"""How far the model may be wrong about a depth, and what trying it is worth.

A depth's gain over the table's is g = log(c / c_K), with c = T / E seconds a token. Its deviation
is that of step times: the ridge fit of `step_time` is the mean of a normal posterior with
covariance G^-1 (G its Gram matrix with the prior), so that the log ratio of two depths' times has
variance d' G^-1 d, d = x_K / T_K - x / T. What the form misses at a depth comes on top, until the
depth has steps of its own.

Trying K is worth its expected improvement (Jones, Schonlau and Welch, J. Global Optim. 13, 1998),
deviation x phi(z) + g x Phi(z) with z = g / deviation: what is gained in the mean if K is taken
exactly when it turns out better.
"""

from __future__ import annotations

import math

from tandem_operator.tuning import arrays as np
from tandem_operator.tuning.arrays import Floats
from tandem_operator.tuning.policy.goodput import Scores
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.step_time.model import BUCKETS, StepModel, basis
from tandem_operator.tuning.step_time.regression import (
    LEAST_STEP_S,
    features,
    gram,
    kinds_of,
    predicted_s,
)
from tandem_operator.tuning.table import ROW_MIDDLES

FORM_ERROR = 0.02
FORM_STEPS = 40.0
"""So many steps halve the variance of what the form misses."""


def expected_improvements(
    scores: Scores, row: int, base: int, state: State, settings: Settings
) -> tuple[float, ...]:
    """Expected improvement of each depth over ``base`` at one row, as a share of time."""
    cost = scores.seconds_per_token[row]
    gains = np.log(cost[scores.column(base)] / cost)
    variance = variance_of_time(scores, row, base, state.steps, settings)
    return tuple(
        0.0 if depth == base else expected_improvement(float(gain), math.sqrt(max(0.0, float(own))))
        for depth, gain, own in zip(scores.depths, gains, variance, strict=True)
    )


def expected_improvement(gain: float, deviation: float) -> float:
    """E[max(0, X)] of a normal X with this mean and deviation."""
    if deviation <= 1e-9:
        return max(0.0, gain)
    z = gain / deviation
    density = math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
    return deviation * density + gain * (1.0 + math.erf(z / math.sqrt(2.0))) / 2.0


def variance_of_time(
    scores: Scores, row: int, base: int, model: StepModel, settings: Settings
) -> Floats:
    """Variance of the log ratio of each depth's step time to that of ``base``, at one row."""
    cells, fastest_s = basis(model, settings.profile, settings.depths)
    known = model.coefficients(settings.mixture_of_experts)
    batch = ROW_MIDDLES[row]
    buckets = BUCKETS[row]
    steps = dict.fromkeys(scores.depths, 0.0)
    for cell in cells:
        if cell.bucket in buckets and cell.tokens in steps and not cell.blend:
            steps[cell.tokens] += cell.steps * (not cell.with_prefill)
    depths = np.array(scores.depths, dtype=np.float64)
    kinds = kinds_of(np.full_like(depths, batch), depths, model.context_per_request)
    rows = features(kinds, known.experts, known.prefill_weight)
    rows = rows / np.maximum(predicted_s(known, rows), LEAST_STEP_S)[:, None]
    apart = rows - rows[scores.column(base)]
    solved = np.linalg.solve(gram(cells, known, fastest_s), apart.T)
    missed = np.array([FORM_STEPS / (steps[depth] + FORM_STEPS) for depth in scores.depths])
    return np.asarray(np.einsum("ij,ji->i", apart, solved) + FORM_ERROR**2 * missed)
