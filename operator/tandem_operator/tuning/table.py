"""Tables of K by the number of decoding requests, on one fixed grid.

The tuner thinks in one K a grid row; the engine reads closed ranges. Used by the tuner's other
files only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from tandem_operator.tuning.decision import Schedule
from tandem_runtime.contract.table import Range

ROW_TOPS = (
    *(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32),
    *(40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 512),
)
"""Last batch of each row; the last row extends upward."""
ROW_STARTS = (1, *(top + 1 for top in ROW_TOPS[:-1]))
ROW_MIDDLES = tuple((start + top) / 2 for start, top in zip(ROW_STARTS, ROW_TOPS, strict=True))
ROWS = len(ROW_TOPS)

Table = tuple[int, ...]
"""K by row."""


def row_of(batch: float) -> int:
    """The row that a batch of this many decoding requests reads."""
    return min(bisect_left(ROW_TOPS, batch - 0.5), ROWS - 1)


def schedule_of(table: Sequence[int], max_concurrency: int | None = None) -> Schedule:
    """The table as contiguous ranges, equal neighbours joined, 0 above ``max_concurrency``."""
    tops = set(ROW_TOPS)
    if max_concurrency is not None:
        tops.add(max_concurrency)
        if max_concurrency >= ROW_TOPS[-1]:
            # The last range extends upward, and must be one of 0.
            tops.add(2 * max_concurrency)
    ranges: list[Range] = []
    start = 1
    for top in sorted(tops):
        barred = max_concurrency is not None and start > max_concurrency
        tokens = 0 if barred else table[row_of(start)]
        if ranges and ranges[-1].tokens == tokens:
            ranges[-1] = ranges[-1]._replace(last=top)
        else:
            ranges.append(Range(start, top, tokens))
        start = top + 1
    return tuple(ranges)


def tokens_in(schedule: Sequence[Range], batch: float) -> int:
    """K that a schedule gives so many decoding requests; beyond its end that of its last range."""
    for _, top, tokens in schedule:
        if batch <= top + 0.5:
            return tokens
    return schedule[-1][2]
