"""Depths and start schedule: few, all named, and safe when no table ever arrives."""

from __future__ import annotations

import itertools

from hypothesis import assume, given
from hypothesis import strategies as st

from tandem_operator.engines import tiers

DEPTHS = st.integers(1, 32).flatmap(lambda most: st.tuples(st.just(most), st.integers(0, most)))


@given(DEPTHS)
def test_at_most_six_depths_that_rise_from_nought_to_the_deepest(depths: tuple[int, int]) -> None:
    most, initial = depths
    made = tiers.tiers(most, initial)

    assert len(made) <= tiers.MAX_TIERS
    assert list(made) == sorted(set(made))
    assert made[0] == 0
    assert made[-1] == most
    assert {1, initial} <= set(made)


def test_a_deep_ladder_stays_dense_at_its_foot() -> None:
    assert tiers.tiers(7, 3) == (0, 1, 2, 3, 5, 7)
    assert tiers.tiers(1, 1) == (0, 1)
    assert tiers.tiers(32, 3)[:3] == (0, 1, 3)


@given(DEPTHS, st.integers(1, 2000))
def test_the_start_schedule_is_contiguous_from_one_to_the_largest_batch(
    depths: tuple[int, int], max_batch: int
) -> None:
    most, initial = depths
    made = tiers.start_schedule(tiers.tiers(most, initial), initial, max_batch)

    assert made[0][0] == 1
    assert made[-1][1] == max_batch
    assert all(low <= high for low, high, _ in made)
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(made))


@given(DEPTHS, st.integers(8, 2000))
def test_the_start_schedule_names_every_depth_and_is_off_at_the_top(
    depths: tuple[int, int], max_batch: int
) -> None:
    most, initial = depths
    ladder = tiers.tiers(most, initial)
    made = tiers.start_schedule(ladder, initial, max_batch)

    assert {tokens for _, _, tokens in made} == set(ladder)
    assert made[-1][2] == 0


@given(DEPTHS, st.integers(20, 2000))
def test_all_but_the_top_end_runs_at_the_initial_depth(
    depths: tuple[int, int], max_batch: int
) -> None:
    most, initial = depths
    assume(initial > 0)
    low, high, tokens = tiers.start_schedule(tiers.tiers(most, initial), initial, max_batch)[0]

    assert (low, tokens) == (1, initial)
    assert high >= max_batch - tiers.MAX_TIERS


def test_a_batch_of_one_starts_at_the_initial_depth() -> None:
    assert tiers.start_schedule((0, 1, 3), 3, 1) == [(1, 1, 3)]
