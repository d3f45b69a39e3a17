"""What the plugin drafts in the next step: ranges, hysteresis, limit, prefill, exploration."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.contract.table import Explore, Range, Segment, SpeculationTable
from tandem_runtime.plugin.depth.exploration import target
from tandem_runtime.plugin.depth.lookup import START, State, bound, carried_over, choose
from tandem_runtime.plugin.table.plan import Limits, Plan, limits_of, plan_of

LIMITS = Limits(7, (0, 1, 2, 3, 5, 7))
TABLE = SpeculationTable(
    lock="ab",
    generation=1,
    schedule=(Range(1, 8, 5), Range(9, 32, 3), Range(33, 256, 0)),
)


def plan(**changes: object) -> Plan:
    return plan_of(replace(TABLE, **changes), LIMITS)  # type: ignore[arg-type]


def run(the_plan: Plan, batches: list[int], prefill: bool = False) -> list[int]:
    """K step by step as the load takes these values."""
    state, depths = START, []
    for batch in batches:
        depth, state = choose(the_plan, state, batch, prefill)
        depths.append(depth)
    return depths


def test_k_follows_the_load_across_borders() -> None:
    assert run(plan(), [1, 8, 16, 40, 1, 20]) == [5, 5, 3, 0, 5, 3]


def test_leaving_a_range_takes_a_margin_beyond_its_border() -> None:
    assert run(plan(), [8, 9, 10, 9, 8, 7]) == [5, 5, 3, 3, 3, 5]
    assert run(plan(hysteresis_percent=50), [8, 12, 13, 5, 4]) == [5, 5, 3, 3, 5]


@given(st.integers(1, 64), st.lists(st.integers(-1, 1), min_size=2, max_size=200))
def test_a_load_that_swings_by_one_around_any_value_changes_k_at_most_once(
    middle: int, swings: list[int]
) -> None:
    depths = run(plan(), [max(middle + swing, 1) for swing in swings])

    # The limits of the ranges are more than three requests apart, so at most one is in reach.
    changes = sum(before != after for before, after in itertools.pairwise(depths))
    assert changes <= 1


@given(st.lists(st.integers(1, 300), max_size=50), st.sampled_from([0, 10, 50, 100]))
def test_a_single_request_always_comes_back_to_its_own_range(
    batches: list[int], percent: int
) -> None:
    ranges = (Range(1, 1, 7), Range(2, 4, 3), Range(5, 64, 0))
    depths = run(plan(schedule=ranges, hysteresis_percent=percent), [*batches, 1])

    assert depths[-1] == 7


def test_above_the_highest_concurrency_k_is_zero_at_once_and_comes_back_with_margin() -> None:
    limited = plan(schedule=(Range(1, 256, 5),), max_concurrency=20)

    assert run(limited, [20, 21, 20, 19, 18, 20]) == [5, 0, 0, 0, 5, 5]


def test_switched_off_nothing_is_drafted_nor_explored() -> None:
    off = plan(enabled=False, explore=Explore(1, 1, (1,)))

    assert run(off, [1] * 5) == [0] * 5
    assert bound(off, START, 1, False) == 0


def test_prefill_steps_have_their_own_table_and_leave_exploring_to_the_others() -> None:
    explore = Explore(every=3, steps=1, offsets=(1,))
    both = plan(prefill_schedule=(Range(1, 256, 1),), explore=explore)

    assert run(both, [4, 4, 4], prefill=True) == [1, 1, 1]
    assert run(plan(explore=explore), [4, 4, 4], prefill=True) == [5, 5, 5]


def test_an_empty_batch_changes_nothing() -> None:
    state = State(current=1)

    assert choose(plan(), state, 0, False) == (0, state)


def test_a_burst_runs_its_steps_and_the_next_one_has_the_next_offset() -> None:
    exploring = plan(explore=Explore(every=4, steps=2, offsets=(1, -1)))

    assert run(exploring, [1] * 12) == [5, 5, 5, 7, 7, 5, 5, 3, 3, 5, 5, 7]


def test_offsets_that_lead_nowhere_are_passed_over() -> None:
    top = plan(schedule=(Range(1, 9, 7),), explore=Explore(every=2, steps=1, offsets=(1, 2, -1)))

    assert run(top, [1] * 4) == [7, 5, 7, 5]


def test_where_the_table_says_zero_one_token_is_tried() -> None:
    zero = plan(schedule=(Range(1, 9, 0),), explore=Explore(every=3, steps=1, offsets=(-1, 3)))

    assert run(zero, [1] * 6) == [0, 0, 1, 0, 0, 1]


def test_above_the_limit_nothing_is_explored() -> None:
    limited = plan(max_concurrency=4, explore=Explore(every=1, steps=1, offsets=(1,)))

    assert run(limited, [9] * 5) == [0] * 5


@given(st.integers(0, 7), st.integers(-8, 8))
def test_exploration_stays_on_the_tiers_of_the_engine(base: int, offset: int) -> None:
    assert target(LIMITS.clip(base), offset, LIMITS.tiers) in LIMITS.tiers


@pytest.mark.parametrize(
    ("base", "offset", "tried"),
    [(3, 1, 5), (3, -1, 2), (5, 1, 7), (5, 9, 7), (5, -9, 0), (0, 4, 1), (0, -4, 1), (7, 1, 7)],
)
def test_an_offset_leads_to_the_nearest_tier_beyond_it_or_to_the_outermost(
    base: int, offset: int, tried: int
) -> None:
    assert target(base, offset, LIMITS.tiers) == tried


@given(
    st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=60),
    st.none() | st.builds(
        Explore, every=st.integers(3, 9), steps=st.integers(1, 3),
        offsets=st.lists(st.integers(-3, 3), min_size=1, max_size=4).map(tuple),
    ),
)  # fmt: skip
def test_every_choice_is_a_tier(steps: list[tuple[int, bool]], explore: Explore | None) -> None:
    the_plan = plan(explore=explore, max_concurrency=100, prefill_schedule=(Range(1, 2, 1),))
    state = START
    for batch, prefill in steps:
        depth, state = choose(the_plan, state, batch, prefill)
        assert depth in LIMITS.tiers


def test_drafts_are_cut_for_the_switch_the_limit_and_prefill_alone() -> None:
    both = plan(max_concurrency=10, prefill_schedule=(Range(1, 256, 1),))

    assert bound(both, START, 4, False) is None
    assert bound(both, START, 11, False) == 0
    assert bound(both, START, 4, True) == 1
    assert bound(plan(), START, 4, True) is None


def test_where_prefill_has_no_drafts_bursts_go_on_and_keep_one() -> None:
    """Else a load where every step carries prefill would never learn that drafts pay again."""
    none = plan(
        schedule=(Range(1, 9, 3),),
        prefill_schedule=(Range(1, 9, 0),),
        explore=Explore(every=4, steps=2, offsets=(2,)),
    )
    state, run_of, kept = START, [], []
    for _ in range(8):
        depth, state = choose(none, state, 4, True)
        run_of.append(depth)
        kept.append(bound(none, state, 4, True))

    assert run_of == kept == [0, 0, 0, 1, 1, 0, 0, 1]


def test_bursts_wait_for_steps_without_prefill_only_so_long() -> None:
    """Else a load where every step carries prefill would never learn that drafts do not pay."""
    some = plan(
        schedule=(Range(1, 9, 3),),
        prefill_schedule=(Range(1, 9, 2),),
        explore=Explore(every=70, steps=2, offsets=(-1, 1)),
    )

    first, second = [2] * (70 + 69), [2] * (70 + 68)
    steps = [4] * (2 * 140 + 1)
    assert run(some, steps, prefill=True) == [*first, 1, 1, *second, 3, 3]


def test_drafts_of_a_burst_that_goes_on_beside_prefill_are_kept() -> None:
    some = plan(
        prefill_schedule=(Range(1, 256, 2),), explore=Explore(every=4, steps=2, offsets=(1,))
    )
    state, kept = START, []
    for _ in range(69):
        _, state = choose(some, state, 4, True)
        kept.append(bound(some, state, 4, True))
    assert kept == [2] * (64 + 3) + [3, 2]


def test_of_a_burst_that_prefill_surprises_only_what_prefill_allows_is_kept() -> None:
    some = plan(
        prefill_schedule=(Range(1, 256, 2),), explore=Explore(every=4, steps=3, offsets=(1,))
    )
    state = START
    for _ in range(4):
        depth, state = choose(some, state, 4, False)
    assert depth == 7
    assert bound(some, state, 4, True) == 2


@given(st.lists(st.booleans(), max_size=300), st.integers(3, 9), st.integers(1, 3))
def test_prefill_makes_bursts_no_more_frequent(
    prefills: list[bool], every: int, steps: int
) -> None:
    some = plan(
        prefill_schedule=(Range(1, 256, 2),),
        explore=Explore(every=every, steps=steps, offsets=(1,)),
    )
    state, tried = START, 0
    for prefill in prefills:
        depth, state = choose(some, state, 4, prefill)
        tried += depth != (2 if prefill else 5)
    assert tried <= steps * (len(prefills) // every + 1)


def test_a_deeper_k_than_the_engine_has_is_clipped_to_a_tier_and_counted() -> None:
    deep = plan(schedule=(Range(1, 4, 12), Range(5, 9, 6), Range(10, 99, 4)))

    assert [span.tokens for span in deep.schedule] == [7, 5, 3]
    assert deep.clamped == 1


def test_the_effective_ranges_show_limit_and_switch() -> None:
    assert plan(max_concurrency=20).effective() == (
        Range(1, 8, 5),
        Range(9, 20, 3),
        Range(21, 256, 0),
    )
    assert plan(max_concurrency=9).effective() == (
        Range(1, 8, 5),
        Range(9, 9, 3),
        Range(10, 256, 0),
    )
    assert plan(schedule=(Range(1, 8, 5),), max_concurrency=20).effective() == (
        Range(1, 20, 5),
        Range(21, 21, 0),
    )
    assert plan(max_concurrency=0).effective() == (Range(1, 256, 0),)
    assert {span.tokens for span in plan(enabled=False).effective()} == {0}


def test_the_range_in_force_outlives_a_table_with_the_same_borders() -> None:
    state = State(current=1)
    tuned = plan(schedule=(Range(1, 8, 7), Range(9, 32, 2), Range(33, 256, 0)))

    assert carried_over(state, plan(), tuned) == state
    assert carried_over(state, plan(), plan(schedule=(Range(1, 9, 3),))) == START
    assert carried_over(state, None, plan()) == START


def test_segments_beyond_the_sixteenth_are_counted_together() -> None:
    many = plan(segments={f"s{number}": Segment(2) for number in range(20)})

    assert many.segment_name("s15") == "s15"
    assert many.segment_name("s16") == "other"
    assert many.segment_name("unheard") == "other"


@pytest.mark.parametrize(
    ("text", "tiers"),
    [(None, (0, 1, 2, 3)), ("", (0, 1, 2, 3)), ("0,1,3", (0, 1, 3)), ("3,9", (0, 3))],
)
def test_tiers_are_what_the_engine_was_started_with(
    text: str | None, tiers: tuple[int, ...]
) -> None:
    assert limits_of(3, text).tiers == tiers
