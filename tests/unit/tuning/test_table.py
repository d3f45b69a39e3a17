"""A table of rows as the engine reads it: closed ranges, and nothing above the limit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning.table import ROW_TOPS, ROWS, row_of, schedule_of, tokens_in

LAST = ROW_TOPS[-1]
TABLES = st.tuples(*[st.integers(0, 3)] * ROWS)
LIMITS = st.none() | st.integers(1, 2 * LAST) | st.sampled_from(ROW_TOPS)


@given(table=TABLES, limit=LIMITS, batch=st.integers(1, 3 * LAST))
def test_every_batch_gets_its_rows_k_and_0_above_the_limit(
    table: tuple[int, ...], limit: int | None, batch: int
) -> None:
    allowed = limit is None or batch <= limit
    assert tokens_in(schedule_of(table, limit), batch) == (table[row_of(batch)] if allowed else 0)


@given(table=TABLES, limit=LIMITS)
def test_ranges_follow_each_other_and_neighbours_differ(
    table: tuple[int, ...], limit: int | None
) -> None:
    schedule = schedule_of(table, limit)
    assert schedule[0][0] == 1
    for (_, top, tokens), (start, _, other) in pairwise(schedule):
        assert start == top + 1
        assert tokens != other


@pytest.mark.parametrize(("limit", "ranges"), [(None, 1), (100, 2), (LAST, 2), (LAST + 88, 2)])
def test_one_k_everywhere_is_one_range_up_to_the_limit(limit: int | None, ranges: int) -> None:
    schedule = schedule_of((3,) * ROWS, limit)
    assert len(schedule) == ranges
    assert tuple(schedule[0]) == (1, limit or LAST, 3)
