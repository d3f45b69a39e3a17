"""Borders of the table that a load can be caught behind.

The engine leaves a range only a margin beyond its border, so that a load that moves around a border
does not change K with every step. The same margin holds a steady load captive: four clients whose
batch falls to two while prompts are read come back to four, and stay in the range of two and three.
So the rows from which the present batch would not return take its K.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from tandem_operator.tuning.step_time.regression import Floats
from tandem_operator.tuning.table import ROW_MIDDLES, ROW_STARTS, ROW_TOPS, ROWS, Table, row_of
from tandem_runtime.contract.hysteresis import margin

CAUGHT_SHARE = 0.25
"""How much of its time a load is taken to spend behind a border on either side that can hold it."""


@cache
def holding(batch: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Rows below and above the batch's own whose range can hold it, nearest first."""
    row = row_of(batch)
    below = tuple(
        other
        for other in reversed(range(row))
        if batch <= ROW_TOPS[other] + margin(ROW_TOPS[other])
    )
    borders = [start - 1 for start in ROW_STARTS]
    above = tuple(
        other
        for other in range(row + 1, ROWS)
        if batch > max(borders[other] - margin(borders[other]), 1)
    )
    return below, above


def cleared(table: Table, batch: float | None, allowed: Sequence[Sequence[int]]) -> Table:
    """The table with no border that can hold ``batch`` decoding requests on its wrong side."""
    if batch is None:
        return table
    own = table[row_of(batch)]
    caught = [row for side in holding(round(batch)) for row in side]
    return tuple(
        own if row in caught and own in allowed[row] else tokens for row, tokens in enumerate(table)
    )


def in_force(cost: Floats, columns: Sequence[int]) -> Floats:
    """Cost of each row under a table, the times included when a neighbour's range holds it.

    ``cost`` has a row a table row and a column a depth; ``columns`` names each row's own depth.
    """
    found = []
    for row, own in enumerate(columns):
        total, left = 0.0, 1.0
        for side in holding(math.floor(ROW_MIDDLES[row])):
            other = next((columns[held] for held in side if columns[held] != own), own)
            total += CAUGHT_SHARE * float(cost[row, other])
            left -= CAUGHT_SHARE
        found.append(total + left * float(cost[row, own]))
    return np.array(found)
