"""How alike drafts of one request are, and so how much fewer they count.

n drafts of b requests vary as n / (1 + rho x) independent ones do, with x = n / b - 1 the further
drafts of each request and rho the correlation of two drafts of one (Kish, Survey Sampling, 1965).
Prompts differ, so rho is learned: where a window is z deviations, counted as if drafts were
independent, from what was known before it, E[z^2] = 1 + rho x. The estimate is least squares over
the windows of the last minutes, each weighed by how little it varies itself, towards a prior of the
weight `PRIOR_SQUARES`: a window has x^2 / (1 + rho x)^2, so a few windows of many drafts a request
settle it, and many of few drafts. At few requests of unlike prompts rho is large, and what looks
like a change is the next request.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

USUAL = 0.12
PRIOR_SQUARES = 10.0
MEMORY_S = 300.0
MOST_DESIGN_EFFECT = 25.0
_LEAST = 0.02
"""A window is weighed as if rho were this at least, or one window could outweigh all others."""
_MOST_SQUARE = 6.0
"""A square of z counts as at most this many times its mean: more is a change of prompts."""


@dataclass(frozen=True)
class RequestCorrelation:
    """Faded, weighted sums over windows: of (z^2 - 1) x and of x^2."""

    products: float = 0.0
    squares: float = 0.0

    @property
    def correlation(self) -> float:
        """rho, from 0 to 1."""
        estimate = (USUAL * PRIOR_SQUARES + self.products) / (PRIOR_SQUARES + self.squares)
        return min(1.0, max(0.0, estimate))


def learned(
    known: RequestCorrelation, square: float, further: float, duration_s: float
) -> RequestCorrelation:
    """After a window of z^2 = ``square`` at x = ``further``, ``duration_s`` after the last one."""
    kept = math.exp(-max(0.0, duration_s) / MEMORY_S)
    mean = 1.0 + max(_LEAST, known.correlation) * further
    square = min(square, _MOST_SQUARE * mean)
    weight = further / mean**2
    return RequestCorrelation(
        products=round(kept * known.products + weight * (square - 1.0), 6),
        squares=round(kept * known.squares + weight * further, 6),
    )


def design_effect(correlation: float, further: float) -> float:
    """How many drafts are worth one independent one."""
    return min(MOST_DESIGN_EFFECT, 1.0 + correlation * max(0.0, further))
