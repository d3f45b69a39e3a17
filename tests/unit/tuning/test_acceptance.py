"""How many drafts were how deep, where an engine tells their mean alone."""

from __future__ import annotations

import pytest

from tandem_operator.tuning.acceptance.counts import drafts_of, expected_depths

DEPTHS = tuple(range(8))
HAZARD = 0.8


def reached(made: dict[int, float], in_force: tuple[int, ...]) -> list[float]:
    """Drafts by position as they are believed to be, when ``made`` so many were made by depth."""
    drafts = sum(made.values())
    tokens = sum(depth * count for depth, count in made.items())
    accepted = [
        sum(count * HAZARD ** (place + 1) for depth, count in made.items() if depth > place)
        for place in range(7)
    ]
    expected = expected_depths(tokens / drafts, in_force, DEPTHS)
    return list(drafts_of(accepted, None, drafts, tokens, expected).reached)


def test_a_depth_that_nobody_drafted_counts_no_draft() -> None:
    """Such a draft would count as rejected, and the depth would never look worth trying."""
    assert reached({3: 900.0}, (3,)) == [900.0] * 3


def test_an_engine_that_lags_behind_its_table_is_believed() -> None:
    assert reached({6: 500.0}, (2,)) == [500.0] * 6


@pytest.mark.parametrize("other", [1, 5])
def test_of_two_depths_in_force_the_numbers_are_within_4_percent_of_all_drafts(other: int) -> None:
    made = {3: 700.0, other: 300.0}
    exact = [sum(c for depth, c in made.items() if depth > place) for place in range(max(made))]
    assert reached(made, (3, other))[: max(made)] == pytest.approx(exact, abs=40)


def test_an_engine_that_lags_and_explores_is_believed_to_draft_near_its_mean() -> None:
    made = {6: 930.0, 7: 70.0}
    assert reached(made, (2,)) == pytest.approx([1000.0] * 6 + [70.0], abs=40)
