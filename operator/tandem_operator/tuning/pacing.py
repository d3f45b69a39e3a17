"""How often and how soon tables may change.

Raising a row's K waits until it has been proposed for ``stabilization_s`` without a break; lowering
never waits. Changes are paid from a bucket that holds `LARGEST_BURST` and refills at
`CHANGES_PER_HOUR`, so that no hour sees more than 50; the emptier it is, the more a change must
gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tandem_operator.tuning.table import ROWS, Table

LARGEST_BURST = 10.0
CHANGES_PER_HOUR = 39.0
LEAST_TOTAL_GAIN = 0.006
MOST_TOTAL_GAIN = 0.1
"""No change is asked for more, but the last one: what is left is there to be used."""
LAST_TOTAL_GAIN = 0.2
"""The last change left is for a collapse."""


@dataclass(frozen=True)
class Pacing:
    """``allowance``: changes left; ``raised_since``: by row, when a raise was first proposed."""

    allowance: float = LARGEST_BURST
    raised_since: tuple[float | None, ...] = field(default=(None,) * ROWS)
    prefill_raised_since: tuple[float | None, ...] = field(default=(None,) * ROWS)


def refilled(pacing: Pacing, duration_s: float) -> Pacing:
    more = max(0.0, duration_s) * CHANGES_PER_HOUR / 3600.0
    return replace(pacing, allowance=round(min(LARGEST_BURST, pacing.allowance + more), 5))


def spent(pacing: Pacing) -> Pacing:
    return replace(pacing, allowance=pacing.allowance - 1.0)


def needed_gain(pacing: Pacing, *, soon: bool = False) -> float | None:
    """The share of time per token that a change must save, or None when none is left.

    ``soon``: the table was changed a moment ago, for the texts that still run.
    """
    if pacing.allowance < 1.0:
        return None
    if pacing.allowance < 2.0:
        return LAST_TOTAL_GAIN
    if soon:
        return MOST_TOTAL_GAIN
    return min(MOST_TOTAL_GAIN, LEAST_TOTAL_GAIN * (LARGEST_BURST / pacing.allowance) ** 2)


def stabilized(
    current: Table,
    proposed: Table,
    since: Sequence[float | None],
    now_s: float,
    stabilization_s: float,
) -> tuple[Table, tuple[float | None, ...]]:
    """What may be taken of a proposal now, and since when each row's raise has been proposed."""
    table: list[int] = []
    marks: list[float | None] = []
    for old, new, mark in zip(current, proposed, since, strict=True):
        if new <= old:
            table.append(new)
            marks.append(None)
            continue
        begun = now_s if mark is None or mark > now_s else mark
        ripe = now_s - begun >= stabilization_s
        table.append(new if ripe else old)
        marks.append(begun)
    return tuple(table), tuple(marks)
