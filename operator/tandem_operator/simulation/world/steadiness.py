"""How requests of one segment differ: some prompts are easy to draft from start to end, some hard.

A request with the exponent g accepts its first i drafts with probability c_i ** g, and g is gamma
distributed with mean 1 and the variance `spread`. A profile's survival is what an engine's counters
show, over drafts; hard requests take more steps and so make more drafts. `per_request` finds the c
that shows as that.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from tandem_operator.simulation.world.draws import Draws, Floats

SPREAD = 0.25
Spread = Mapping[str, float]
"""The variance by segment; the empty name stands for all others, and without it `SPREAD`."""
USUAL_TOKENS = 3  # K that decides how many steps a request takes; others differ by little
_ROUNDS = 12
_LEAST, _MOST = 1e-9, 1.0 - 1e-9
_POINTS = 128
_GRID = 4096


def variance(spread: Spread, segment: str) -> float:
    """How much requests of the segment differ."""
    return spread.get(segment, spread.get("", SPREAD))


def drawn(draws: Draws, spread: float) -> float:
    """The exponent of one request."""
    return draws.gamma(1.0 / spread, spread) if spread > 0 else 1.0


def per_request(curve: Floats, spread: float = SPREAD) -> Floats:
    """c by position, where drafts survive by `curve`: log c is scaled until it fits."""
    wanted = np.log(np.clip(curve, _LEAST, _MOST))
    fitted = wanted.copy()
    for _ in range(_ROUNDS):
        fitted = fitted * wanted / np.log(np.clip(over_drafts(fitted, spread), _LEAST, _MOST))
    return np.exp(fitted)


def over_drafts(log_curve: Floats, spread: float = SPREAD) -> Floats:
    """Mean survival by position over all drafts of requests with the curve exp(`log_curve`)."""
    survives = np.exp(np.outer(_exponents(spread), log_curve))
    steps = 1.0 / (1.0 + survives[:, :USUAL_TOKENS].sum(axis=1))
    return np.asarray(steps @ survives / steps.sum())


@functools.lru_cache(maxsize=16)
def _exponents(spread: float) -> Floats:
    """Exponents of equal probability: means of the gamma distribution between its quantiles.

    With x the logarithm of g, the density of g times dg/dx is g^shape exp(-shape g), up to a
    factor.
    """
    if spread <= 0:
        return np.ones(1)
    shape = 1.0 / spread
    logs = np.linspace(-40.0 * min(1.0, spread), np.log(1.0 + 40.0 * spread) + 1.0, _GRID)
    mass = np.exp(shape * (logs - np.exp(logs) + 1.0))
    cells = np.minimum((np.cumsum(mass) / mass.sum() * _POINTS).astype(int), _POINTS - 1)
    weights = np.bincount(cells, mass, minlength=_POINTS)
    means = np.bincount(cells, mass * np.exp(logs), minlength=_POINTS)
    return np.asarray(means / np.maximum(weights, 1e-300))
