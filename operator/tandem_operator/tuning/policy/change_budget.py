"""How often and how soon tables may change.

A row's K is not raised within ``stabilization_s`` of the start, or of when it began to fall;
lowering never waits. So K cannot go down and up faster than that, and prompts that become easy
after a while are answered at once. Changes are paid from a bucket that holds `LARGEST_BURST` and
refills at `CHANGES_PER_HOUR`, so that no hour sees more than 50; the emptier it is, the more a
change must gain.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from tandem_operator.tuning.table import ROWS, Table

Times = tuple[float | None, ...]

LARGEST_BURST = 10.0
CHANGES_PER_HOUR = 39.0
LEAST_TOTAL_GAIN = 0.006
MOST_TOTAL_GAIN = 0.1
"""No change is asked for more."""


@dataclass(frozen=True)
class ChangeBudget:
    """``allowance``: changes left; ``begun_s``: the first decision; ``falling_since``: by row, the
    first lowering since K rose, None while there was none."""

    allowance: float = LARGEST_BURST
    begun_s: float | None = None
    falling_since: Times = field(default=(None,) * ROWS)
    prefill_falling_since: Times = field(default=(None,) * ROWS)


def refilled(budget: ChangeBudget, duration_s: float, now_s: float) -> ChangeBudget:
    """The budget at ``now_s``, ``duration_s`` after the last decision."""
    more = max(0.0, duration_s) * CHANGES_PER_HOUR / 3600.0
    return replace(
        budget,
        allowance=round(min(LARGEST_BURST, budget.allowance + more), 5),
        begun_s=now_s if budget.begun_s is None else budget.begun_s,
    )


def spent(budget: ChangeBudget) -> ChangeBudget:
    return replace(budget, allowance=budget.allowance - 1.0)


def needed_gain(budget: ChangeBudget) -> float | None:
    """The share of time per token that a change must save, or None when none is left."""
    if budget.allowance < 1.0:
        return None
    return min(MOST_TOTAL_GAIN, LEAST_TOTAL_GAIN * (LARGEST_BURST / budget.allowance) ** 2)


def stabilized(
    budget: ChangeBudget,
    current: tuple[Table, Table],
    proposed: tuple[Table, Table],
    now_s: float,
    stabilization_s: float,
) -> tuple[Table, Table]:
    """What may be taken of tables (without and with prefill) now: all but raises that must wait."""

    def ripe(since_s: float | None) -> bool:
        # A clock that went back tells nothing: as if it had been long ago.
        return since_s is None or not 0 <= now_s - since_s < stabilization_s

    def taken(old: Table, new: Table, falling_since: Times) -> Table:
        return tuple(
            b if b <= a or (ripe(budget.begun_s) and ripe(since_s)) else a
            for a, b, since_s in zip(old, new, falling_since, strict=True)
        )

    return (
        taken(current[0], proposed[0], budget.falling_since),
        taken(current[1], proposed[1], budget.prefill_falling_since),
    )


def noted(
    budget: ChangeBudget, before: tuple[Table, Table], after: tuple[Table, Table], now_s: float
) -> ChangeBudget:
    """The budget after the tables (without and with prefill) were ``before`` and are ``after``."""
    return replace(
        budget,
        falling_since=_falling(budget.falling_since, before[0], after[0], now_s),
        prefill_falling_since=_falling(budget.prefill_falling_since, before[1], after[1], now_s),
    )


def _falling(since: Times, before: Table, after: Table, now_s: float) -> Times:
    return tuple(
        None if new > old else now_s if new < old and since_s is None else since_s
        for since_s, old, new in zip(since, before, after, strict=True)
    )
