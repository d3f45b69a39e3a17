"""Which other depths the engine tries, so that the model keeps knowing them.

The engine runs ``steps`` of every ``every`` steps at an offset in tiers from the table, one offset
a burst; where the table says 0 it tries K=1. The first step of a burst is not counted, so a burst
has three. Where only the engine's own counters are read, a burst must show in the mean of a whole
scrape interval: the same share of steps then comes in fewer and longer bursts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem_operator.tuning.settings import Settings

OFFSETS = (1, -1, 2, -2, 3, -3)
EVERY_STEPS = 200
BURST_STEPS = 3
STOCK_FACTOR = 3


def exploration(settings: Settings, *, off: bool, stock: bool) -> Mapping[str, Any] | None:
    """The exploration of the present table; None when there is nothing to explore."""
    if settings.depths[-1] == 0:
        return None
    factor = STOCK_FACTOR if stock and not off else 1
    return {
        "every": EVERY_STEPS * factor,
        "steps": BURST_STEPS * factor,
        "offsets": [1] if off else list(OFFSETS),
    }
