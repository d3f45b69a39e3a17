"""Windows are counted from a change of acceptance to the table that answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.results.interval import Moment
from tandem_operator.simulation.scoring.answers import (
    BACK,
    COLLAPSED,
    Change,
    answers_of,
    changes_of,
)
from tandem_operator.simulation.world.drift import drifting
from tandem_operator.simulation.world.truth import Floats
from tests.unit.simulation.builders import DENSE, moment, survival

ORACLE = Oracle(DENSE, range(8))
HIGH, LOW = survival(0.8), survival(0.02)
WINDOWS = [moment(2.0 * number) for number in range(1, 60)]


def table(*spans: tuple[float, int]) -> Callable[[float, int], int]:
    """K from each of these times on."""
    return lambda now_s, _: next(tokens for start, tokens in reversed(spans) if start <= now_s)


def answers(
    before: Mapping[str, Floats],
    after: Mapping[str, Floats],
    depth_at: Callable[[float, int], int],
    timeline: list[Moment] = WINDOWS,
) -> list[tuple[str, int, float, bool]]:
    given = answers_of([Change(40.0, before, after)], timeline, depth_at, ORACLE)
    return [(one.kind, one.windows, one.seconds, one.given) for one in given]


def test_a_collapse_is_answered_when_the_table_comes_near_the_best() -> None:
    assert answers(HIGH, LOW, table((0, 5), (44, 3), (46, 0))) == [(COLLAPSED, 3, 6.0, True)]
    assert answers(HIGH, LOW, table((0, 5), (46, 1))) == [(COLLAPSED, 3, 6.0, True)]


def test_coming_back_is_answered_by_leaving_zero() -> None:
    assert answers(LOW, HIGH, table((0, 0), (50, 1))) == [(BACK, 5, 10.0, True)]


def test_idle_windows_are_not_counted() -> None:
    idle = [moment(one.now_s, steps=0) if one.now_s in (42, 44) else one for one in WINDOWS]
    assert answers(HIGH, LOW, table((0, 5), (46, 0)), idle) == [(COLLAPSED, 1, 6.0, True)]


def test_no_answer_until_the_end_is_a_lower_bound() -> None:
    assert answers(HIGH, LOW, table((0, 5))) == [(COLLAPSED, 39, 78.0, False)]


@pytest.mark.parametrize(
    ("before", "after", "tokens"),
    [(HIGH, LOW, 0), (LOW, HIGH, 5), (HIGH, survival(0.78), 5)],
    ids=["off already", "on already", "hardly a change"],
)
def test_where_staying_loses_little_no_answer_is_owed(
    before: Mapping[str, Floats], after: Mapping[str, Floats], tokens: int
) -> None:
    assert answers(before, after, table((0, tokens))) == []


def test_changes_are_where_survival_changes() -> None:
    changes = changes_of(drifting(HIGH, "collapse", 0, 900.0), 900.0)
    assert [change.at_s for change in changes] == [300.0, 600.0]
    assert changes[0].before is changes[1].after


def test_the_load_of_the_moment_decides_what_the_table_says() -> None:
    """From 50 s on the table leaves 0 for one request alone."""

    def depth_at(now_s: float, batch: int) -> int:
        return int(now_s >= 50 and batch == 1)

    alone = [moment(one.now_s, running=1) for one in WINDOWS]
    assert answers(LOW, HIGH, depth_at, alone) == [(BACK, 5, 10.0, True)]
    assert answers(LOW, HIGH, depth_at) == [(BACK, 39, 78.0, False)]


def test_an_answer_is_owed_from_the_first_window_on() -> None:
    assert answers(HIGH, LOW, table((0, 5)), [moment(42.0)]) == [(COLLAPSED, 1, 2.0, False)]


def test_the_next_change_ends_the_time_for_an_answer() -> None:
    changes = [Change(40.0, HIGH, LOW), Change(60.0, LOW, HIGH)]
    (one,) = answers_of(changes, WINDOWS, table((0, 5)), ORACLE)
    assert (one.kind, one.windows, one.seconds, one.given) == (COLLAPSED, 10, 20.0, False)


def test_acceptance_rises_and_falls_by_the_first_position() -> None:
    alike = {"other": np.full(7, 0.1)}
    only_first = {"other": np.array([0.8, *[0.01] * 6])}
    assert answers(alike, only_first, table((0, 0), (50, 1))) == [(BACK, 5, 10.0, True)]
