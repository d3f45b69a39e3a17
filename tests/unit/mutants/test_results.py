"""When a run of mutants fails: a survivor that nobody explained, and a list that is out of date."""

from __future__ import annotations

import pytest

from hack.mutants import results
from hack.mutants.rooms import ROOMS

FILE = "operator/planning/diff.py"
EARLY = f"{FILE}: a < b -> a <= b"
LATE = f"{FILE}: c or d -> c and d"
KILLED = {f"{FILE}: x{number} -> y": True for number in range(18)}


def test_all_killed_is_no_problem() -> None:
    assert results.problems(KILLED, {}, [FILE]) == []


def test_a_survivor_that_is_not_listed_is_named() -> None:
    assert results.problems({**KILLED, EARLY: False}, {}, [FILE]) == [f"survived: {EARLY}"]
    assert results.problems({**KILLED, EARLY: False}, {EARLY: "equal"}, [FILE]) == []


def test_a_listed_mutant_that_is_killed_or_not_tried_is_to_be_taken_out() -> None:
    reasons = {EARLY: "equal", LATE: "equal"}

    killed, absent = results.problems({**KILLED, EARLY: True}, reasons, [FILE])
    assert "a test notices it now" in killed and EARLY in killed
    assert "not tried any more" in absent and LATE in absent


def test_a_run_of_other_files_says_nothing_of_a_listed_mutant() -> None:
    assert results.problems(KILLED, {EARLY: "equal"}, ["operator/planning/plan.py"]) == []


@pytest.mark.parametrize(("survivors", "expected"), [(2, False), (3, True)])
def test_nine_in_ten_are_asked_even_where_all_are_explained(survivors: int, expected: bool) -> None:
    alive = {f"{FILE}: z{number} -> y": False for number in range(survivors)}

    problems = results.problems({**KILLED, **alive}, dict.fromkeys(alive, "equal"), [FILE])
    assert any("only 18 of" in each for each in problems) is expected


@pytest.mark.parametrize(
    "entry",
    ['mutant = "m"', 'reason = "r"', 'mutant = "m"\nreason = " "'],
    ids=["no reason", "no mutant", "empty reason"],
)
def test_an_entry_without_a_mutant_or_a_reason_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="needs a mutant and a reason"):
        results.listed(f"[[survivor]]\n{entry}\n")


def test_an_entry_that_stands_twice_is_refused() -> None:
    entry = '[[survivor]]\nmutant = "m"\nreason = "r"\n'
    with pytest.raises(ValueError, match="twice: m"):
        results.listed(entry * 2)


def test_the_list_as_it_is_can_be_read_and_its_files_are_there() -> None:
    files = {str(file) for room in ROOMS.values() for file in room.files()}
    for name in results.listed(results.LISTED.read_text()):
        assert name.partition(": ")[0] in files, name


def test_at_least_300_mutants_are_tried() -> None:
    assert sum(room.number for room in ROOMS.values()) >= 300
