"""The promised figures, from scores to limits."""

from __future__ import annotations

import pytest

from tandem_operator.simulation.scoring.answers import BACK, COLLAPSED, Answer
from tandem_operator.simulation.scoring.harm import Harm
from tandem_operator.simulation.scoring.scores import (
    Score,
    document_of,
    figures_of,
    worst_harm,
)


def score(regret: float = 1.0, excess: float = 0.0, answers: tuple[Answer, ...] = ()) -> Score:
    harm = Harm(against_bare=0.04 + excess, tax=0.04)
    return Score(301, "a case", regret, 0.5, 2.0, 1.0, 12.0, harm, answers)


def answer(kind: str, windows: int, given: bool = True) -> Answer:
    return Answer(kind, 60.0, windows, 2.0 * windows, given)


def test_means_and_worst_are_held_to_the_limits_of_their_counters() -> None:
    regrets = [score(1.0), score(4.5), score(1.0)]
    plugin, stock = (figures_of(regrets, stock)[0] for stock in (False, True))
    assert (plugin.usual, plugin.worst) == (pytest.approx(6.5 / 3), 4.5)
    assert not plugin.kept
    assert stock.kept


def test_answers_are_medians_with_lower_bounds_counted() -> None:
    given = (answer(COLLAPSED, 1), answer(COLLAPSED, 2), answer(COLLAPSED, 9, given=False))
    by_name = {one.name: one for one in figures_of([score(answers=given)], stock=False)}
    collapse = by_name["collapse, windows"]
    assert (collapse.usual, collapse.worst, collapse.unknown, collapse.kept) == (2, 9, 1, False)
    assert by_name["collapse, s"].worst == 18.0
    assert by_name["back on, windows"].usual is None
    assert by_name["back on, windows"].kept


def test_the_worst_ten_minutes_go_beyond_the_tax_not_beyond_nothing() -> None:
    harmless, harmful = [score(excess=0.01)], [score(excess=0.01), score(excess=0.03)]
    assert figures_of(harmless, stock=False)[-1].kept
    assert not figures_of(harmful, stock=False)[-1].kept
    worst = worst_harm(harmful)
    assert worst is not None
    assert worst.against_bare == pytest.approx(0.07)


def test_the_document_has_every_figure_and_its_cases() -> None:
    document = document_of([score(answers=(answer(BACK, 3),))], stock=False)
    assert len(document["figures"]) == len(figures_of((), stock=False))
    assert document["cases"][0]["answers"][0]["windows"] == 3
    assert document["worst_ten_minutes"]["tax_of_idle_draft_percent"] == pytest.approx(4.0)


def test_the_limits_are_those_that_are_promised() -> None:
    limits = {
        one.name: (one.usual_limit, one.worst_limit)
        for one in figures_of((), stock=False)
        if (one.usual_limit, one.worst_limit) != (None, None)
    }
    assert limits == {
        "regret, %": (2.0, 4.0),
        "first 2 minutes, %": (6.0, None),
        "with a start profile, %": (3.0, None),
        "changes an hour": (30.0, 50.0),
        "collapse, windows": (2.0, 4.0),
        "back on, windows": (3.0, 9.0),
        "10 minutes beyond tax, %": (None, 2.0),
    }


def test_where_no_case_ran_nothing_is_said_and_nothing_broken() -> None:
    for figure in figures_of((), stock=True):
        assert (figure.usual, figure.worst, figure.count, figure.kept) == (None, None, 0, True)
