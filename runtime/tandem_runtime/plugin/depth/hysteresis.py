"""When a load that moves around a border of the table changes K, and when it does not.

Pure; `choice` calls it once a step.
"""

from __future__ import annotations

from tandem_runtime.contract.hysteresis import margin
from tandem_runtime.contract.table import Range, position_of


def settled(schedule: tuple[Range, ...], current: int | None, batch: int, percent: int) -> int:
    """Index of the range in force when `batch` requests decode and range `current` was in force.

    The held range is left upward at more than its last batch plus the margin and downward at less
    than its first minus the margin; a single request always reaches the range that holds it.
    """
    if current is None or current >= len(schedule):
        return position_of(schedule, batch)
    span = schedule[current]
    if span.first <= batch <= span.last:
        return current
    if batch > span.last:
        leaves = batch > span.last + margin(span.last, percent)
    else:
        border = span.first - 1
        leaves = batch <= max(border - margin(border, percent), 1)
    return position_of(schedule, batch) if leaves else current


def above_limit(limit: int | None, above: bool, batch: int, percent: int) -> bool:
    """Whether `batch` counts as above the highest concurrency: upward at once, back with margin."""
    if limit is None:
        return False
    if batch > limit:
        return True
    return above and batch > max(limit - margin(limit, percent), 1)
