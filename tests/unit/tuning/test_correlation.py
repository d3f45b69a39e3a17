"""How alike drafts of one request are is learned, and tells a change from the next request."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.tuning.acceptance.correlation import (
    USUAL,
    RequestCorrelation,
    design_effect,
    learned,
)
from tandem_operator.tuning.acceptance.counts import Drafts, survival_of
from tandem_operator.tuning.acceptance.survival import (
    Survival,
    hazards_of,
    learn,
)

WINDOW_S = 2.0


class Texts:
    """Requests whose acceptance differs from one to the next, by a Beta distribution.

    Two drafts of one request are correlated by `correlation`.
    """

    def __init__(self, correlation: float, seed: int = 1) -> None:
        self._strength = 1.0 / correlation - 1.0
        self._draw = random.Random(seed)

    def window(self, share: float, requests: int, drafts_each: int) -> Drafts:
        accepted = 0
        for _ in range(requests):
            own = self._draw.betavariate(share * self._strength, (1 - share) * self._strength)
            accepted += sum(self._draw.random() < own for _ in range(drafts_each))
        return Drafts((float(accepted),), (float(requests * drafts_each),))


def after(known: Survival, drafts: Drafts, requests: int, now_s: float) -> Survival:
    return learn(known, drafts, requests, WINDOW_S, now_s)


@pytest.mark.parametrize("correlation", [0.02, 0.1, 0.4])
def test_the_correlation_of_a_requests_drafts_is_learned(correlation: float) -> None:
    texts, known = Texts(correlation), Survival()
    for turn in range(300):
        known = after(known, texts.window(0.5, 4, 40), 4, turn * WINDOW_S)

    estimate = known.request_correlation.correlation
    assert correlation / 1.7 <= estimate <= correlation * 1.7


def test_the_next_request_is_no_change_of_texts() -> None:
    texts, known = Texts(0.3), Survival()
    for turn in range(900):
        known = after(known, texts.window(0.5, 2, 60), 2, turn * WINDOW_S)

    assert known.changes <= 9, "in half an hour of two requests that are unlike"


@pytest.mark.parametrize("correlation", [0.05, 0.3])
def test_a_collapse_is_seen_within_two_windows(correlation: float) -> None:
    texts, known = Texts(correlation), Survival()
    for turn in range(120):
        known = after(known, texts.window(0.7, 8, 40), 8, turn * WINDOW_S)
    changes = known.changes
    for turn in range(120, 122):
        known = after(known, texts.window(0.1, 8, 40), 8, turn * WINDOW_S)

    assert known.changes == changes + 1
    assert survival_of(hazards_of(known, (), 1))[0] < 0.35


def test_one_request_whose_drafts_all_fail_is_a_change_before_long() -> None:
    texts, known = Texts(0.3), Survival()
    for turn in range(300):
        known = after(known, texts.window(0.5, 1, 90), 1, turn * WINDOW_S)
    changes = known.changes
    for turn in range(300, 308):
        known = after(known, Drafts((0.0,), (90.0,)), 1, turn * WINDOW_S)

    assert known.changes > changes
    assert survival_of(hazards_of(known, (), 1))[0] < 0.2


def test_few_drafts_of_many_requests_tell_as_much_as_they_are() -> None:
    """While off three steps in 200 draft: what busy windows taught does not mute them."""
    texts, known = Texts(0.3), Survival()
    for turn in range(60):
        known = after(known, texts.window(0.7, 8, 40), 8, turn * WINDOW_S)
    for turn in range(60, 120):
        known = after(known, texts.window(0.15, 8, 3), 8, turn * WINDOW_S)
    changes = known.changes
    for turn in range(120, 123):
        known = after(known, texts.window(0.7, 8, 3), 8, turn * WINDOW_S)

    assert known.changes > changes


def test_before_anything_is_seen_it_is_the_usual() -> None:
    assert RequestCorrelation().correlation == pytest.approx(USUAL)


@given(
    squares=st.lists(st.tuples(st.floats(0, 1e9), st.floats(0, 1e6), st.floats(0, 1e4)), max_size=9)
)
def test_it_stays_a_correlation_whatever_comes(squares: list[tuple[float, float, float]]) -> None:
    known = RequestCorrelation()
    for square, further, duration_s in squares:
        known = learned(known, square, further, duration_s)
        assert 0.0 <= known.correlation <= 1.0
        assert design_effect(known.correlation, further) >= 1.0


def test_a_single_draft_is_remembered() -> None:
    """An idle engine of one request drafts no more in a window."""
    known = after(Survival(), Drafts((1.0,), (1.0,)), 1, 2.0)
    assert hazards_of(known, (), 1) > hazards_of(Survival(), (), 1)


def test_positions_that_no_draft_reached_go_on_with_the_last_hazard() -> None:
    known = after(Survival(), Drafts((800.0, 200.0), (1000.0, 800.0)), 10, 2.0)
    hazards = hazards_of(known, (), 4)
    assert hazards[2:] == pytest.approx((hazards[1],) * 2)
