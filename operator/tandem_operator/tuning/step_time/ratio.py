"""How much longer steps took than they should have: by the fit, or by their kinds' own means.

Over the fit tells one replica from the others; over the means tells whether the engine changed its
pace, since a form that is wrong there is wrong on both sides.
"""

from __future__ import annotations

import math

from tandem_operator.tuning.step_time.cells import Steps
from tandem_operator.tuning.step_time.model import MATURE_STEPS, StepModel
from tandem_operator.tuning.step_time.regression import LEAST_STEP_S, seconds_of

LEAST_STEPS = 10.0
QUIET_ERROR = 0.045
"""Of a window's mean step time; with more there is so much prefill that it tells no pace."""


def over_fit(known: StepModel, steps: tuple[Steps, ...], experts: tuple[int, int] | None) -> float:
    """Log of measured step time over that of the fit with its residuals."""
    expected = seconds_of(known.coefficients(experts), steps)
    own = {(bucket, tokens): residual for bucket, tokens, residual, _ in known.residuals}
    total = measured = 0.0
    for one, seconds in zip(steps, expected, strict=True):
        correction = 0.0 if one.with_prefill else own.get((one.bucket, one.tokens), 0.0)
        total += one.steps * float(seconds) * math.exp(correction)
        measured += one.steps * one.seconds
    return math.log(max(measured, 1e-9) / max(total, 1e-9))


def over_cells(
    known: StepModel, steps: tuple[Steps, ...], experts: tuple[int, int] | None
) -> float | None:
    """Log of measured step time over that of the same kinds of steps before; None without any.

    The fit is only asked how the kind's mean would be at the context and batch of now.
    """
    cells = {cell[:4]: cell for cell in known.cells if cell.steps >= MATURE_STEPS}
    quiet = [
        (one, cells[one[:4]])
        for one in steps
        if one[:4] in cells and not one.with_prefill and one.form_error <= QUIET_ERROR
    ]
    if sum(one.steps for one, _ in quiet) < LEAST_STEPS:
        return None
    now, before = (
        seconds_of(known.coefficients(experts), kind).clip(LEAST_STEP_S)
        for kind in zip(*quiet, strict=True)
    )
    measured = sum(one.steps * one.seconds for one, _ in quiet)
    expected = sum(
        one.steps * cell.seconds * float(factor)
        for (one, cell), factor in zip(quiet, now / before, strict=True)
    )
    return math.log(measured / expected)
