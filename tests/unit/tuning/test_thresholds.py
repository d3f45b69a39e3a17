"""The user's guardrails: the acceptance rate's minimum and the largest concurrency."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tandem_operator.tuning import Decision, Settings, State, Thresholds, initial_state, tune
from tests.unit.tuning.builders import window

SCRAPE_S = 2.0


def tokens_at(decision: Decision, batch: int) -> int:
    for start, top, tokens in decision.schedule:
        if start <= batch <= top:
            return tokens
    return decision.schedule[-1][2]


def settings(**limits: float) -> Settings:
    return Settings(
        max_tokens=7,
        policy="Thresholds",
        thresholds=Thresholds(**limits),  # type: ignore[arg-type]
    )


def drive(
    chosen: Settings, rates: Iterable[float], scrape_s: float = SCRAPE_S
) -> list[tuple[float, Decision]]:
    """An engine that obeys each decision and drafts one token now and then while off."""
    state = initial_state(chosen)
    decision: Decision | None = None
    answers = []
    for index, rate in enumerate(rates, start=1):
        tokens = 3 if decision is None else tokens_at(decision, 4)
        now_s = index * scrape_s
        shown = window(
            now_s,
            tokens=tokens or 1,
            acceptance=rate,
            steps=100 if tokens else 5,
            duration_s=scrape_s,
        )
        state, decision = tune(state, (shown,), chosen)
        assert State.from_json(state.to_json()) == state
        answers.append((now_s, decision))
    return answers


def first(answers: list[tuple[float, Decision]], state: str, after_s: float) -> float:
    return next(now_s for now_s, decision in answers if now_s > after_s and decision.state == state)


@pytest.mark.parametrize("scrape_s", [2.0, 10.0])
def test_off_within_for_seconds_and_two_scrapes_and_back_within_three(scrape_s: float) -> None:
    good, bad = round(100 / scrape_s), round(200 / scrape_s)
    chosen = settings(min_acceptance_rate=0.5, for_s=60)
    answers = drive(chosen, [0.8] * good + [0.3] * bad + [0.7] * bad, scrape_s)
    off_s = first(answers, "Idle", 0)
    assert 160 <= off_s <= 160 + 2 * scrape_s
    back_s = first(answers, "Active", off_s)
    assert 360 <= back_s <= 360 + 3 * scrape_s


def test_a_dip_shorter_than_for_seconds_changes_nothing() -> None:
    chosen = settings(min_acceptance_rate=0.5, for_s=60)
    answers = drive(chosen, ([0.8] * 20 + [0.3] * 20) * 5)
    assert {decision.state for _, decision in answers} == {"Active"}


def test_between_the_minimum_and_five_points_above_it_stays_as_it_is() -> None:
    chosen = settings(min_acceptance_rate=0.5, for_s=20)
    answers = drive(chosen, [0.3] * 30 + [0.53] * 100)
    assert answers[-1][1].state == "Idle"
    answers = drive(chosen, [0.8] * 30 + [0.53] * 100)
    assert answers[-1][1].state == "Active"


def test_above_the_largest_concurrency_the_table_says_zero() -> None:
    state = initial_state(settings(max_concurrency=9))
    _, decision = tune(state, (window(2, tokens=3, acceptance=0.8),), settings(max_concurrency=9))
    assert tokens_at(decision, 9) > 0
    assert all(tokens_at(decision, batch) == 0 for batch in range(10, 600))


@pytest.mark.parametrize("tokens", [1, 3, 7])
def test_the_rate_is_the_same_at_every_depth(tokens: int) -> None:
    chosen = settings(min_acceptance_rate=0.1)
    _, decision = tune(initial_state(chosen), (window(2, tokens=tokens, acceptance=0.8),), chosen)
    assert decision.predicted.acceptance_rate == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    "limits", [{"min_acceptance_rate": 1.2}, {"max_concurrency": 0}, {"for_s": float("nan")}]
)
def test_impossible_limits_are_refused(limits: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(limits))):
        Thresholds(**limits)  # type: ignore[arg-type]
