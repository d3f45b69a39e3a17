"""How many pages of new replicas are read in a second: after a start all of them are new.

Whatever is new is read every two seconds, five times as often as the rest. A few such replicas cost
nothing; those of a whole cluster at once would take a core and more, and every decision would wait.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

PAGES_A_SECOND = 200.0
"""Pages a second of all new replicas together; at more, each is read less often than every 2 s."""
BURST_PAGES = 20
"""So many more may be read at once."""


@dataclass(frozen=True)
class Pace:
    """Readings of new replicas, a leaky bucket of pages.

    Attributes:
        empty_s: when all pages so far are made up for, in seconds of the operator's clock.
    """

    empty_s: float = -math.inf

    @property
    def next_s(self) -> float:
        """When the next round may begin."""
        return self.empty_s - BURST_PAGES / PAGES_A_SECOND

    def begun(self, now_s: float, pages: int) -> Pace:
        """After a round began at ``now_s`` that reads so many pages."""
        return Pace(max(now_s, self.empty_s) + pages / PAGES_A_SECOND)
