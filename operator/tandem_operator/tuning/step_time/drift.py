"""Whether the engine itself got slower or faster: another clock, another neighbour, another driver.

A window's ratio is log(measured / expected) step time, over kinds of steps that are known well. As
long as it is small it is a passing factor (`replicas`). Where it stays on one side beyond `SLIGHT`
for `WINDOWS` windows or more, until they sum up to `SHIFT` (Page, Biometrika 41, 1954), the engine
is another one: a large change is believed at once, and a small one, as that of a draft of which few
are made, after a while. How the change falls on depths is not known yet: until
measured, all are taken to have changed alike, so what is known is multiplied by the factor, and
counts so little that the next steps of each depth decide. The doubt of the fit grows with it, and
so does what is worth trying.

While it is in doubt, the table is left alone: the first depth that is seen at the new pace would
look far better or worse than all others, which were seen at the old one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tandem_operator.tuning.step_time.cells import Steps

SLIGHT = 0.05
STOCK_SLIGHT = 0.15
"""The same where a window is one mean: its batches and prompts move it by 10 % and more."""
SHIFT = 0.6
WINDOWS = 4
DRIFTED_STEPS = 6.0
MOST_RATIO = 3.0
FAR = 0.3
"""So far from what was known before is no usual noise."""


@dataclass(frozen=True)
class StepTimeDrift:
    """``windows`` in a row were beyond `SLIGHT`, ``total`` is the sum of their ratios.

    ``since_profile``: log of the step time over what a start profile says, by all ``shifts``.
    """

    windows: int = 0
    total: float = 0.0
    since_profile: float = 0.0
    shifts: int = 0


def watched(drift: StepTimeDrift, ratio: float, *, stock: bool = False) -> StepTimeDrift:
    """The pace after one window of this ratio."""
    ratio = max(-MOST_RATIO, min(MOST_RATIO, ratio))
    if abs(ratio) < (STOCK_SLIGHT if stock else SLIGHT):
        return replace(drift, windows=0, total=0.0)
    if drift.total * ratio < 0:
        return replace(drift, windows=1, total=round(ratio, 5))
    return replace(drift, windows=drift.windows + 1, total=round(drift.total + ratio, 5))


def unsettled(drift: StepTimeDrift) -> bool:
    """Whether the engine may be another one, and a few more windows will tell."""
    return 0 < drift.windows < WINDOWS and abs(drift.total) >= FAR * drift.windows


def shifted(drift: StepTimeDrift) -> float | None:
    """Log of the factor by which the engine changed, or None while it has not."""
    believed = drift.windows >= WINDOWS and abs(drift.total) >= SHIFT
    return drift.total / drift.windows if believed else None


def taken(drift: StepTimeDrift, shift: float) -> StepTimeDrift:
    """After the shift was reckoned with."""
    since = max(-MOST_RATIO, min(MOST_RATIO, drift.since_profile + shift))
    return StepTimeDrift(since_profile=round(since, 5), shifts=drift.shifts + 1)


def at_new_pace(cells: Sequence[Steps], shift: float) -> tuple[Steps, ...]:
    """Cells as they would be at the new pace, hardly trusted."""
    return tuple(
        cell._replace(
            seconds=float(f"{cell.seconds * math.exp(shift):.6g}"),
            steps=min(cell.steps, DRIFTED_STEPS),
        )
        for cell in cells
    )
