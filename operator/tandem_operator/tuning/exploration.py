"""Which other depths the engine tries, so that the model keeps knowing them.

The engine runs ``steps`` of every ``every`` steps at an offset in tiers from the table, one offset
a burst; where the table says 0 it tries K=1. The first step of a burst is not counted, so a burst
has three. Where only the engine's own counters are read, a burst must show in the mean of a whole
scrape interval: the same share of steps then comes in fewer and longer bursts.

While the acceptance rail holds speculation off, drafts are all that can bring it back, and its
promise is in seconds: an engine of slow steps or few requests tries more often, so that the rail
has its drafts within ``forSeconds``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem_operator.tuning.arithmetic import load_of
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.window import Window

OFFSETS = (1, -1, 2, -2, 3, -3)
EVERY_STEPS = 200
BURST_STEPS = 3
STOCK_FACTOR = 3
RETURN_EVERY = (EVERY_STEPS, 100, 50, 25)
"""Steps between bursts while the rail is off: at most one step of eight."""
RETURN_DRAFTS = 24.0
SHORTEST_RETURN_S = 10.0


def exploration(
    settings: Settings, *, off: bool, stock: bool, return_every: int
) -> Mapping[str, Any] | None:
    """The exploration of the present table; None when there is nothing to explore.

    ``return_every`` are the steps between bursts while off.
    """
    if settings.depths[-1] == 0:
        return None
    factor = STOCK_FACTOR if stock and not off else 1
    return {
        "every": return_every if off else EVERY_STEPS * factor,
        "steps": BURST_STEPS * factor,
        "offsets": [1] if off else list(OFFSETS),
    }


def return_every(before: int, windows: tuple[Window, ...], for_s: float) -> int:
    """Steps between bursts of K=1 that give the rail ``RETURN_DRAFTS`` drafts within ``for_s``.

    A burst of three steps at b requests brings 3 b drafts, and 200 steps of t seconds come every
    200 t. Only ever more often than ``before`` (until speculation is on again), so that a load at
    a border does not change the table at every look.
    """
    loads = [load for load in map(load_of, windows) if load is not None]
    if not loads:
        return before
    drafts_s = sum(BURST_STEPS * load.batch / load.step_s for load in loads)
    wanted = drafts_s * max(for_s, SHORTEST_RETURN_S) / RETURN_DRAFTS
    fitting = next((every for every in RETURN_EVERY if every <= wanted), RETURN_EVERY[-1])
    return min(before, fitting)
