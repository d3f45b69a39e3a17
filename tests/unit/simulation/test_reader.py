"""The simulated engine reads its table as the real one's plugin does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.simulation.reader import Reader
from tandem_runtime.contract.table import Explore, Range, SpeculationTable
from tandem_runtime.plugin.exploration import target
from tandem_runtime.plugin.lookup import START, carried_over, choose
from tandem_runtime.plugin.plan import Limits, plan_of

DEPTHS = (0, 1, 2, 3, 5, 7)
LIMITS = Limits(7, DEPTHS)


@st.composite
def schedules(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    tops = sorted(draw(st.sets(st.integers(1, 40), min_size=1, max_size=4)))
    starts = [1, *(top + 1 for top in tops[:-1])]
    return [(a, b, draw(st.sampled_from(DEPTHS))) for a, b in zip(starts, tops, strict=True)]


@given(
    tables=st.lists(st.tuples(schedules(), st.lists(st.integers(1, 45), max_size=8)), max_size=4)
)
def test_ranges_and_their_hysteresis_are_the_plugins(
    tables: list[tuple[list[tuple[int, int, int]], list[int]]],
) -> None:
    """Also over a change of tables: a range is kept where the borders stay."""
    reader, state, before = Reader(DEPTHS), START, None
    for schedule, batches in tables:
        reader.take(schedule, None, None)
        table = SpeculationTable("", 1, tuple(Range(*span) for span in schedule))
        plan = plan_of(table, LIMITS)
        state = carried_over(state, before, plan)
        before = plan
        for batch in batches:
            depth, state = choose(plan, state, batch, prefill=False)
            assert reader.tokens(batch, 0) == depth


@given(
    base=st.sampled_from(DEPTHS),
    offset=st.integers(-7, 7).filter(bool),
    every=st.integers(2, 9),
)
def test_a_burst_leads_where_the_plugins_does(base: int, offset: int, every: int) -> None:
    reader = Reader(DEPTHS)
    reader.take([(1, 8, base)], None, {"every": every, "steps": 1, "offsets": [offset]})
    run = [reader.tokens(1, 0) for _ in range(2 * every + 1)]
    assert set(run) <= {base, target(base, offset, DEPTHS)}
    assert run.count(target(base, offset, DEPTHS)) >= 2


@given(
    base=st.sampled_from((None, 0, 3)),
    every=st.sampled_from((3, 9, 70)),
    prefills=st.lists(st.booleans(), max_size=60),
)
def test_steps_with_prefill_are_explored_where_the_plugin_does(
    base: int | None, every: int, prefills: list[bool]
) -> None:
    reader = Reader(DEPTHS)
    explore = Explore(every=every, steps=2, offsets=(1,))
    beside = None if base is None else ((1, 8, base),)
    reader.take([(1, 8, 5)], beside, {"every": every, "steps": 2, "offsets": [1]})
    table = SpeculationTable(
        "",
        1,
        (Range(1, 8, 5),),
        prefill_schedule=beside and tuple(Range(*span) for span in beside),
        explore=explore,
    )
    plan, state = plan_of(table, LIMITS), START
    for prefill in [*prefills, *[True] * 200]:
        depth, state = choose(plan, state, 4, prefill)
        assert reader.tokens(4, 512 * prefill) == depth


def test_another_exploration_of_the_same_table_begins_anew() -> None:
    reader = Reader(DEPTHS)
    reader.take([(1, 8, 3)], None, {"every": 50, "steps": 2, "offsets": [2]})
    for _ in range(49):
        reader.tokens(4, 0)
    reader.take([(1, 8, 3)], None, {"every": 50, "steps": 2, "offsets": [-2]})
    assert [reader.tokens(4, 0) for _ in range(10)] == [3] * 10
