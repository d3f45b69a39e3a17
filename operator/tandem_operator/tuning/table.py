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
    spans: list[tuple[int, int, int]] = []
    for start, top, tokens in zip(ROW_STARTS, ROW_TOPS, table, strict=True):
        if max_concurrency is None or top <= max_concurrency:
            spans.append((start, top, tokens))
        elif start > max_concurrency:
            spans.append((start, top, 0))
        else:
            spans += [(start, max_concurrency, tokens), (max_concurrency + 1, top, 0)]
    if max_concurrency is not None and max_concurrency >= ROW_TOPS[-1]:
        start, _, tokens = spans[-1]
        spans[-1] = (start, max_concurrency, tokens)
        spans.append((max_concurrency + 1, max_concurrency * 2, 0))
    joined = [spans[0]]
    for start, top, tokens in spans[1:]:
        if tokens == joined[-1][2]:
            joined[-1] = (joined[-1][0], top, tokens)
        else:
            joined.append((start, top, tokens))
    return tuple(Range(*span) for span in joined)


def tokens_in(schedule: Sequence[Range], batch: float) -> int:
    """K that a schedule gives so many decoding requests; beyond its end that of its last range."""
    for _, top, tokens in schedule:
        if batch <= top + 0.5:
            return tokens
    return schedule[-1][2]
