"""Was anybody worse off for speculation? The worst ten minutes against an engine without it.

Pure; read by the report and by the evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tandem_operator.simulation.results.interval import Moment

TEN_MINUTES_S = 600.0
_ENOUGH_S = 1.0  # of engine time: less says nothing about ten minutes


@dataclass(frozen=True)
class Harm:
    """Shares of time in the ten minutes that were worst; negative: quicker.

    `against_bare`: slower than K = 0 with no draft loaded. `tax`: what K = 0 with the draft loaded
    is slower by in the same states. `excess`: what the policy is slower by beyond that tax.
    """

    against_bare: float
    tax: float

    @property
    def excess(self) -> float:
        return self.against_bare - self.tax


def worst_of(timeline: Sequence[Moment]) -> Harm | None:
    """The ten minutes with the largest excess; of a shorter run all of it. None: nothing decoded.

    Expected times of the decoding steps are compared for the same tokens from the same states.
    """
    worst: Harm | None = None
    start = 0
    used_s = off_s = bare_s = 0.0
    begin_s = 0.0
    for place, moment in enumerate(timeline):
        used_s += moment.used_s
        off_s += moment.off_s
        bare_s += moment.bare_s
        while moment.now_s - begin_s > TEN_MINUTES_S and start < place:
            early = timeline[start]
            used_s -= early.used_s
            off_s -= early.off_s
            bare_s -= early.bare_s
            begin_s = early.now_s
            start += 1
        whole = start > 0 or place == len(timeline) - 1
        if whole and bare_s > _ENOUGH_S:
            harm = Harm(used_s / bare_s - 1.0, off_s / bare_s - 1.0)
            if worst is None or harm.excess > worst.excess:
                worst = harm
    return worst
