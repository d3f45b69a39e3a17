"""A steady load gets its own K, whatever range of the table it was in before."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning.policy.hysteresis import cleared
from tandem_operator.tuning.table import ROWS, row_of, schedule_of
from tandem_runtime.contract.table import Range
from tandem_runtime.plugin.depth.hysteresis import settled

DEPTHS = (0, 1, 2, 3, 5, 7)
TABLES = st.tuples(*[st.sampled_from(DEPTHS)] * ROWS)
ALL = (DEPTHS,) * ROWS
PERCENT = 10


def settled_depth(table: tuple[int, ...], before: int, batch: int) -> int:
    """K at `batch` decoding requests after a step of `before`, as the engine's plugin reads it."""
    schedule = tuple(Range(*span) for span in schedule_of(table))
    at = settled(schedule, None, before, PERCENT)
    return schedule[settled(schedule, at, batch, PERCENT)].tokens


@given(table=TABLES, batch=st.integers(1, 512), before=st.integers(1, 512))
def test_a_cleared_table_gives_a_batch_its_own_depth(
    table: tuple[int, ...], batch: int, before: int
) -> None:
    own = table[row_of(batch)]
    assert settled_depth(cleared(table, float(batch), ALL), before, batch) == own


def test_four_clients_that_fell_to_two_are_caught_without_it() -> None:
    table = (5, 5, 5, *[3] * (ROWS - 3))
    assert settled_depth(table, 2, 4) == 5
    assert settled_depth(cleared(table, 3.9, ALL), 2, 4) == 3


@given(table=TABLES, batch=st.floats(1, 512), allowed=st.lists(st.sampled_from(DEPTHS), min_size=1))
def test_no_row_gets_a_depth_that_an_objective_forbids(
    table: tuple[int, ...], batch: float, allowed: list[int]
) -> None:
    rows = (tuple(allowed),) * ROWS
    for before, after in zip(table, cleared(table, batch, rows), strict=True):
        assert after == before or after in allowed


def test_before_any_load_nothing_is_cleared() -> None:
    table = tuple(DEPTHS[row % 6] for row in range(ROWS))
    assert cleared(table, None, ALL) == table
