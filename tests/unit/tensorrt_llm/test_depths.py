"""What TensorRT-LLM is started with, for any table: the rules of its own configuration hold.

The rules are those of `DecodingBaseConfig` in its `llm_args.py`: the smallest key has
max_draft_len, no key has more, keys rise from 1, and above the last key K is 0.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.contract.table import Range, SpeculationTable
from tandem_runtime.tensorrt_llm.configuration import with_depths
from tandem_runtime.tensorrt_llm.depths import LARGEST_BATCH, Depths, of


def table(*spans: tuple[int, int, int], limit: int | None = None) -> SpeculationTable:
    ranges = tuple(Range(*span) for span in spans)
    return SpeculationTable(lock="a", generation=1, schedule=ranges, max_concurrency=limit)


def depth_of(depths: Depths, batch: int) -> int:
    """What TensorRT-LLM makes of it."""
    if depths.schedule is None:
        return depths.max_draft_len
    return next((tokens for last, tokens in depths.schedule if batch <= last), 0)


def test_one_k_for_every_batch_needs_no_schedule() -> None:
    assert of(table((1, 256, 3)), 5, 3, zero=False) == Depths(3)


def test_ranges_become_their_last_batch_sizes() -> None:
    depths_at_start = of(table((1, 4, 4), (5, 8, 2), (9, 32, 1), (33, 256, 0)), 5, 3, zero=True)

    assert depths_at_start == Depths(4, ((4, 4), (8, 2), (32, 1)))


def test_a_model_that_drafts_is_never_at_0_between_steps_that_draft() -> None:
    depths_at_start = of(table((1, 4, 4), (5, 256, 0)), 5, 3, zero=False)

    assert depths_at_start == Depths(4, ((4, 4), (LARGEST_BATCH, 1)))


def test_the_limit_of_requests_ends_the_schedule_where_a_step_may_draft_nothing() -> None:
    assert of(table((1, 256, 3), limit=32), 5, 3, zero=True) == Depths(3, ((32, 3),))
    assert of(table((1, 8, 3), (9, 256, 1), limit=4), 5, 3, zero=True) == Depths(3, ((4, 3),))
    assert of(table((1, 256, 3), limit=32), 5, 3, zero=False) == Depths(3)


def test_without_a_table_k_is_the_initial_one() -> None:
    assert of(None, 5, 3, zero=False) == Depths(3)
    assert of(None, 2, 3, zero=False) == Depths(2)


@st.composite
def tables(draw: st.DrawFn) -> SpeculationTable:
    sizes = draw(st.lists(st.integers(1, 300), min_size=1, max_size=6))
    spans, first = [], 1
    for size in sizes:
        spans.append((first, first + size - 1, draw(st.integers(0, 8))))
        first += size
    return table(*spans, limit=draw(st.none() | st.integers(1, 400)))


@given(table=tables(), deepest=st.integers(1, 8), zero=st.booleans(), batch=st.integers(1, 3000))
def test_any_table_starts_the_engine_and_is_obeyed_as_far_as_it_can(
    table: SpeculationTable, deepest: int, zero: bool, batch: int
) -> None:
    depths_at_start = of(table, deepest, 1, zero=zero)

    assert 1 <= depths_at_start.max_draft_len <= deepest
    if depths_at_start.schedule is not None:
        keys = [last for last, _ in depths_at_start.schedule]
        assert keys == sorted(set(keys))
        assert min(keys) >= 1
        assert depths_at_start.schedule[0][1] == depths_at_start.max_draft_len
        assert all(
            0 <= tokens <= depths_at_start.max_draft_len for _, tokens in depths_at_start.schedule
        )
    wanted = min(table.tokens_for(batch), depths_at_start.max_draft_len)
    seen = depth_of(depths_at_start, batch)
    limited = table.max_concurrency is not None and batch > table.max_concurrency
    in_first = not limited and (batch <= table.schedule[0].last or len(table.schedule) == 1)
    if not zero:
        assert seen >= 1 or batch > LARGEST_BATCH
        if not limited and batch <= LARGEST_BATCH:
            assert seen == max(1, wanted)
    elif batch <= LARGEST_BATCH and wanted:
        assert seen == wanted
    elif batch <= LARGEST_BATCH and not in_first:
        assert seen == 0


@pytest.mark.parametrize("zero", [True, False])
def test_an_engine_that_drafts_nothing_is_given_nothing(zero: bool) -> None:
    base = {"return_perf_metrics": True}

    assert with_depths(base, table((1, 256, 3)), 3, zero=zero) == base
