"""Which other depths the engine tries, so that the model keeps knowing them.

The engine runs ``steps`` of every ``every`` steps at an offset in tiers from the table, one offset
a burst; where the table says 0 it tries K=1. The first step of a burst is not counted, so a burst
has three.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem_operator.tuning.settings import Settings

USUAL: Mapping[str, Any] = {"every": 200, "steps": 3, "offsets": [1, -1, 2, -2, 3, -3]}
WHILE_OFF: Mapping[str, Any] = {"every": 200, "steps": 3, "offsets": [1]}


def exploration(settings: Settings, *, off: bool) -> Mapping[str, Any] | None:
    """The exploration of the present table; None when there is nothing to explore."""
    if settings.depths[-1] == 0:
        return None
    return WHILE_OFF if off else USUAL
