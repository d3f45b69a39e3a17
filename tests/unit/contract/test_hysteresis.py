"""The margin that a load must go beyond a border of the table."""

from __future__ import annotations

import pytest

from tandem_runtime.contract.hysteresis import margin


@pytest.mark.parametrize(
    ("border", "percent", "requests"),
    [(1, 10, 1), (10, 10, 1), (11, 10, 2), (20, 10, 2), (21, 10, 3), (64, 10, 7), (8, 0, 1)],
)
def test_it_is_the_percentage_rounded_up_and_at_least_one(
    border: int, percent: int, requests: int
) -> None:
    assert margin(border, percent) == requests
