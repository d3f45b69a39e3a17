"""Borders of the table that a load can be caught behind.

The engine leaves a range only a margin beyond its border, so that a load that moves around a border
does not change K with every step. The same margin holds a steady load captive: four clients whose
batch falls to two while prompts are read come back to four, and stay in the range of two and three.
So the rows from which the present batch would not return take its K.
"""

from __future__ import annotations

from collections.abc import Sequence

from tandem_operator.tuning.table import ROW_STARTS, ROW_TOPS, ROWS, Table, row_of
from tandem_runtime.contract.hysteresis import margin


def cleared(table: Table, batch: float | None, allowed: Sequence[Sequence[int]]) -> Table:
    """The table with no border that can hold ``batch`` decoding requests on its wrong side."""
    if batch is None:
        return table
    own = table[row_of(batch)]
    return tuple(
        own if own in allowed[row] and _can_hold(row, round(batch)) else table[row]
        for row in range(ROWS)
    )


def _can_hold(row: int, batch: int) -> bool:
    """Whether an engine that is in the row's range would stay there at ``batch`` requests."""
    top, below = ROW_TOPS[row], ROW_STARTS[row] - 1
    return max(below - margin(below), min(below, 1)) < batch <= top + margin(top)
