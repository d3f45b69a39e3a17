"""The acceptance rail compares rates at one depth, and believes no more than the drafts tell."""

from __future__ import annotations

import pytest

from tandem_operator.tuning.acceptance.counts import Drafts
from tandem_operator.tuning.acceptance.guardrail import (
    AcceptanceGuardrail,
    comparable_rate,
    watch,
)

MINIMUM, FOR_S, WINDOW_S = 0.5, 60.0, 2.0


def single(rate: float, count: float = 200.0) -> Drafts:
    """Drafts of one token."""
    return Drafts((rate * count,), (count,))


def off_with(*hazards: float) -> AcceptanceGuardrail:
    """Speculation went off when positions had these acceptances, each given those before."""
    return AcceptanceGuardrail(off=True, hazards_when_on=hazards)


def rate_of(hazards: tuple[float, ...]) -> float:
    """Of drafts as deep as there are hazards: accepted over accepted and rejected."""
    accepted, share = 0.0, 1.0
    for hazard in hazards:
        share *= hazard
        accepted += share
    return accepted / (accepted + 1.0 - share)


def test_while_off_the_rate_is_that_of_the_depth_where_it_went_off() -> None:
    rate = comparable_rate(off_with(0.6, 0.3, 0.2), single(0.6))
    assert rate == pytest.approx(rate_of((0.6, 0.3, 0.2)))


def test_what_happened_to_the_first_position_happened_to_the_later_ones() -> None:
    """Odds of 1:4 became 1:1, so those of 1:9 became 4:9."""
    rate = comparable_rate(off_with(0.2, 0.1), single(0.5))
    assert rate == pytest.approx(rate_of((0.5, 4 / 13)))


def test_while_on_or_with_all_depths_seen_the_rate_is_the_plain_one() -> None:
    on = AcceptanceGuardrail(hazards_when_on=(0.9, 0.1))
    assert comparable_rate(on, single(0.6)) == pytest.approx(0.6)
    assert comparable_rate(off_with(0.2), single(0.6)) == pytest.approx(0.6)
    assert comparable_rate(on, Drafts((), ())) is None


def below(good_after_s: float, good: Drafts) -> float | None:
    """How long the rail has seen acceptance below its minimum after one better window."""
    rail = AcceptanceGuardrail()
    now_s = 0.0
    while now_s < good_after_s:
        now_s += WINDOW_S
        rail = watch(rail, single(0.3, 20.0), now_s, WINDOW_S, MINIMUM, FOR_S)
    rail = watch(rail, good, now_s + WINDOW_S, WINDOW_S, MINIMUM, FOR_S)
    return None if rail.since_s is None else now_s + WINDOW_S - rail.since_s


def test_a_rise_ends_the_time_below_the_minimum_only_beyond_noise() -> None:
    assert below(20.0, single(0.9, 40.0)) == 22.0
    assert below(20.0, single(0.9, 200.0)) is None
