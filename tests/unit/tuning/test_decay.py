"""Decay is a fall below its own level at the same load and traffic, and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_operator.tuning.acceptance import decay
from tandem_operator.tuning.acceptance.decay import AcceptanceHistory, Decay

ROUND_S = 60.0


class Hours:
    """Rounds once a minute."""

    def __init__(self) -> None:
        self.history = AcceptanceHistory()
        self.now_s = 0.0

    def last(
        self,
        minutes: int,
        rate: float,
        load: float = 4.0,
        segment: str = "chat",
        drafts: float = 60,
    ) -> Hours:
        for _ in range(minutes):
            self.now_s += ROUND_S
            taken, refused = drafts * rate, drafts * (1 - rate)
            self.history = decay.added(
                self.history, self.now_s, taken, refused, load, {segment: (taken, refused)}
            )
        return self

    def decay(self) -> Decay | None:
        return decay.decay_of(self.history)


def test_acceptance_that_fell_for_half_an_hour_at_the_same_load_has_decayed() -> None:
    hours = Hours().last(120, 0.8).last(25, 0.6)
    assert hours.decay() is None

    decay_seen = hours.last(20, 0.6).decay()

    assert decay_seen is not None
    assert abs(decay_seen.level - 0.8) < 0.01
    assert abs(decay_seen.rate - 0.6) < 0.05


def test_it_ends_when_acceptance_comes_back() -> None:
    hours = Hours().last(120, 0.8).last(50, 0.6).last(25, 0.8)

    assert hours.decay() is None


def test_another_load_is_no_decay() -> None:
    assert Hours().last(120, 0.8, load=4).last(60, 0.6, load=12).decay() is None


def test_other_traffic_by_its_segments_is_no_decay() -> None:
    assert Hours().last(120, 0.8).last(60, 0.6, segment="creative").decay() is None


def test_too_few_drafts_tell_nothing() -> None:
    assert Hours().last(120, 0.8, drafts=5).last(60, 0.5, drafts=5).decay() is None


def test_a_level_that_lasts_is_the_level() -> None:
    assert Hours().last(120, 0.8).last(6 * 60, 0.6).decay() is None


def test_it_goes_to_json_and_back_and_a_damaged_one_is_an_empty_one() -> None:
    history = Hours().last(120, 0.8).history

    assert AcceptanceHistory.from_json(history.to_json()) == history
    assert AcceptanceHistory.from_json('{"closed": 3}') == AcceptanceHistory()
    assert AcceptanceHistory.from_json("") == AcceptanceHistory()


def test_buckets_of_a_clock_that_was_ahead_are_dropped() -> None:
    hours = Hours().last(120, 0.8)
    hours.now_s -= 86_400
    hours.last(1, 0.8)

    assert hours.history.closed == ()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.70, 0.795), min_size=5, max_size=40))
def test_acceptance_that_wanders_within_ten_points_never_decays(rates: list[float]) -> None:
    hours = Hours()
    for rate in rates:
        hours.last(10, rate)
        assert hours.decay() is None


def test_other_amounts_of_the_same_traffic_are_alike() -> None:
    decayed = Hours().last(120, 0.8, drafts=120).last(45, 0.6, drafts=60).decay()
    assert decayed is not None
    assert decayed.rate == pytest.approx(0.6)
    assert decayed.level == pytest.approx(0.8)
