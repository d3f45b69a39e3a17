"""Depths and start schedule: few, nested, all named, and safe when no table ever arrives."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tandem_operator.engines import tiers

DEPTHS = st.integers(1, 32)
FEW = 5


@st.composite
def started(draw: st.DrawFn) -> tuple[tuple[int, ...], int]:
    """Tiers of an engine and one of them as its initial depth."""
    made = tiers.tiers(draw(DEPTHS))
    return made, draw(st.sampled_from(made))


@given(DEPTHS)
def test_at_most_five_depths_that_rise_from_nought_and_nest(most: int) -> None:
    made = tiers.tiers(most)

    assert len(made) <= FEW
    assert made[0] == 0
    assert made[-1] <= most
    assert all(after + 1 == 2 * (before + 1) for before, after in itertools.pairwise(made))
    assert made[-1] == 15 or 2 * (made[-1] + 1) - 1 > most


@given(st.integers(0, 40), DEPTHS)
def test_a_depth_is_taken_down_and_never_up(tokens: int, most: int) -> None:
    made = tiers.tiers(most)
    taken = tiers.taken_down(tokens, made)

    assert taken in made
    assert taken <= tokens
    assert not any(taken < tier <= tokens for tier in made)


@given(started(), st.integers(1, 2000))
def test_the_start_schedule_is_contiguous_from_one_past_every_default(
    depths: tuple[tuple[int, ...], int], max_batch: int
) -> None:
    made = tiers.start_schedule(*depths, max_batch)

    assert made[0][0] == 1
    assert made[-1][1] >= max(max_batch, tiers.LARGEST_BATCH)
    assert all(low <= high for low, high, _ in made)
    assert all(after[0] == before[1] + 1 for before, after in itertools.pairwise(made))


@given(started(), st.integers(FEW + 1, 2000), st.integers(0, 1000))
def test_every_depth_is_named_and_the_top_is_off_in_any_engine_that_takes_as_many_or_more(
    depths: tuple[tuple[int, ...], int], least: int, more: int
) -> None:
    made = tiers.start_schedule(*depths, least)
    takes = min(least + more, made[-1][1])

    assert {tokens for first, _, tokens in made if first <= takes} == set(depths[0])
    assert made[-1][2] == 0


@given(started(), st.integers(20, 2000))
def test_all_but_the_top_end_runs_at_the_initial_depth(
    depths: tuple[tuple[int, ...], int], max_batch: int
) -> None:
    assume(depths[1] > 0)
    low, high, tokens = tiers.start_schedule(*depths, max_batch)[0]

    assert (low, tokens) == (1, depths[1])
    assert high >= max_batch - FEW


@pytest.mark.parametrize("initial", [0, 3])
def test_a_batch_of_one_starts_at_the_initial_depth(initial: int) -> None:
    assert tiers.start_schedule((0, 1, 3), initial, 1) == [(1, tiers.LARGEST_BATCH, initial)]
