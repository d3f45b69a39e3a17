"""What a context token costs, by how one kind of step differs from window to window.

Cells are means, and the contexts of their means hardly differ: what tells the price beta of a
context token is that the same kind of step took longer when there was more context. Over windows of
a kind whose mean is known, with dT and dC the window's distance from that mean,

    beta = sum w dC dT / sum w dC^2,  w = 1 / (T^2 (`WINDOW_NOISE`^2 + `STEP_NOISE`^2 / steps))

The sums are evidence for the fit of `step_time`, beside its cells.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tandem_operator.tuning.step_time.cells import MEMORY_S, Steps

WINDOW_NOISE = 0.06
"""Windows of the same steps differ by so much: clocks, neighbours, prefill in the means."""
STEP_NOISE = 0.08
BELIEVED = 4.0
"""Deviations from zero; before, the fit's prior says what context costs."""
_MOST = 1e18


@dataclass(frozen=True)
class ContextPrice:
    """Faded sums: ``products`` of w dC dT in 1/s, ``squares`` of w dC^2 in 1/s^2 (per token^2)."""

    products: float = 0.0
    squares: float = 0.0

    @property
    def believed_s(self) -> float | None:
        """The price in seconds a token, None while the windows do not tell it from nothing."""
        if self.products <= BELIEVED * math.sqrt(self.squares):
            return None
        return self.products / self.squares


def learned(
    known: ContextPrice, pairs: Iterable[tuple[Steps, Steps]], duration_s: float
) -> ContextPrice:
    """After windows of steps, each with what was known of its kind."""
    kept = math.exp(-max(0.0, duration_s) / MEMORY_S)
    products, squares = known.products * kept, known.squares * kept
    for one, cell in pairs:
        noise = WINDOW_NOISE**2 + STEP_NOISE**2 / max(1.0, one.steps) + one.form_error**2
        weight = 1.0 / (cell.seconds**2 * noise)
        further = one.context - cell.context
        products += weight * further * (one.seconds - cell.seconds)
        squares += weight * further**2
    if not abs(products) < _MOST or not squares < _MOST:
        return known
    return ContextPrice(float(f"{products:.6g}"), float(f"{squares:.6g}"))


def at_new_pace(known: ContextPrice, shift: float, trust: float) -> ContextPrice:
    """The same where steps last exp(``shift``) times as long, with ``trust`` of its weight."""
    factor = math.exp(shift)
    return ContextPrice(trust * known.products / factor, trust * known.squares / factor**2)
