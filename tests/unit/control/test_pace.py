"""New replicas are read quickly only as far as the loop keeps up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.control.pace import BURST_PAGES, PAGES_A_SECOND, Pace


@given(st.lists(st.tuples(st.floats(0, 0.2), st.integers(1, 40)), min_size=1, max_size=60))
def test_no_more_pages_than_the_bound_however_they_come(asked: list[tuple[float, int]]) -> None:
    pace, now_s = Pace(), 100.0
    before = 0
    for after_s, pages in asked:
        now_s = max(now_s + after_s, pace.next_s)
        pace = pace.begun(now_s, pages)
        assert before <= BURST_PAGES + PAGES_A_SECOND * (now_s - 100.0) + 1e-3
        before += pages


def test_those_of_a_few_resources_wait_for_nobody() -> None:
    pace = Pace()
    for place in range(100):
        now_s = 1000.0 + 0.2 * place
        assert pace.next_s <= now_s
        pace = pace.begun(now_s, 40)


def test_after_many_pages_the_next_round_waits_for_as_long_as_they_take() -> None:
    pace = Pace().begun(10.0, BURST_PAGES + 200)
    assert pace.next_s == pytest.approx(10.0 + 200 / PAGES_A_SECOND)
