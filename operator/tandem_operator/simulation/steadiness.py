"""How requests of one segment differ: some texts are easy to draft from start to end, some hard.

A request with the exponent g accepts its first i drafts with probability c_i ** g, and g is gamma
distributed with mean 1. A profile's survival is what an engine's counters show, over drafts; hard
requests take more steps and so make more drafts. `per_request` finds the c that shows as that.
"""

from __future__ import annotations

import numpy as np

from tandem_operator.simulation.draws import Floats

SHAPE = 4.0
SCALE = 0.25
USUAL_TOKENS = 3  # K that decides how many steps a request takes; others differ by little
_ROUNDS = 12
_LEAST, _MOST = 1e-9, 1.0 - 1e-9


def _exponents() -> tuple[Floats, Floats]:
    """Gauss-Laguerre nodes for g and their probabilities: density x^3 e^-x / 6 at x = g / SCALE."""
    nodes, weights = np.polynomial.laguerre.laggauss(32)
    return nodes * SCALE, weights * nodes ** (SHAPE - 1.0) / 6.0


_NODES, _WEIGHTS = _exponents()


def per_request(curve: Floats) -> Floats:
    """c by position, where drafts survive by `curve`: log c is scaled until it fits."""
    wanted = np.log(np.clip(curve, _LEAST, _MOST))
    found = wanted.copy()
    for _ in range(_ROUNDS):
        found = found * wanted / np.log(np.clip(over_drafts(found), _LEAST, _MOST))
    return np.exp(found)


def over_drafts(log_curve: Floats) -> Floats:
    """Mean survival by position over all drafts of requests with the curve exp(`log_curve`)."""
    survives = np.exp(np.outer(_NODES, log_curve))
    steps = _WEIGHTS / (1.0 + survives[:, :USUAL_TOKENS].sum(axis=1))
    return np.asarray(steps @ survives / steps.sum())
