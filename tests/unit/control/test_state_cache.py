"""With what a tuner begins: only ever what was learned of just these engines."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.control.state_cache import (
    MOST_EARLIER,
    Kept,
    Remembered,
    earlier_from_json,
    earlier_to_json,
    remembered,
)

NAMES = st.sampled_from(["a", "b", "c"])
KEPT = st.builds(Kept, lock=NAMES, shape=NAMES, state_json=st.text(max_size=4))


def tuner(*kept: Kept, records: str = "[1]") -> dict[str, Any]:
    """`<name>-tuner` with the first as its present state and the others as earlier ones."""
    newest, *earlier = kept
    return {
        "metadata": {"name": "chat-tuner"},
        "data": {
            "lock": newest.lock,
            "shape": newest.shape,
            "state.json": newest.state_json,
            "records.json": records,
            "earlier.json": earlier_to_json(tuple(earlier)),
        },
    }


def test_after_a_restart_it_goes_on_where_it_was() -> None:
    start = remembered("a", "x", tuner(Kept("a", "x", "state")), None, (), ())
    assert start == Remembered("state", "[1]", earlier=(), stored=True)


def test_with_a_state_of_its_own_no_other_is_read() -> None:
    """A restart reads each once: with those of the namespace for each it would be quadratic."""
    others = (pytest.fail(f"{each} is read") for each in ["an other"])
    start = remembered("a", "x", tuner(Kept("a", "x", "state")), None, (), others)
    assert start.state_json == "state"


def test_another_image_of_the_same_pair_starts_anew_and_keeps_its_records() -> None:
    former = Kept("a", "x", "learned")
    start = remembered("a", "y", tuner(Kept("a", "x", "state")), former, (), ())
    assert start.state_json is None
    assert start.records_json == "[1]"
    assert start.earlier == (former,)
    assert not start.stored


def test_another_pair_has_neither_state_nor_records() -> None:
    start = remembered("b", "x", tuner(Kept("a", "x", "state")), Kept("a", "x", "new"), (), ())
    assert (start.state_json, start.records_json) == (None, None)


def test_the_way_back_to_an_engine_starts_from_what_it_taught() -> None:
    own = tuner(Kept("b", "x", "present"), Kept("a", "x", "earlier"))
    start = remembered("a", "x", own, None, (), ())
    assert start.state_json == "earlier"
    assert start.earlier == (Kept("b", "x", "present"),)
    assert not start.stored, "it must be written: the ConfigMap says another engine is present"


def test_a_new_resource_starts_from_another_of_the_same_engine() -> None:
    others = (tuner(Kept("b", "x", "of another pair")), tuner(Kept("a", "x", "theirs")))
    start = remembered("a", "x", None, None, (), others)
    assert start == Remembered("theirs", None, earlier=(), stored=False)


def test_its_own_state_comes_before_that_of_others() -> None:
    others = (tuner(Kept("a", "x", "theirs")),)
    start = remembered("a", "x", tuner(Kept("a", "x", "own")), None, (), others)
    assert start.state_json == "own"


@given(
    lock=NAMES,
    shape=NAMES,
    own=st.none() | st.lists(KEPT, min_size=1, max_size=5),
    former=st.none() | KEPT,
    earlier=st.lists(KEPT, max_size=5),
    others=st.lists(KEPT, max_size=3),
)
def test_a_state_is_never_one_of_other_engines(
    lock: str,
    shape: str,
    own: list[Kept] | None,
    former: Kept | None,
    earlier: list[Kept],
    others: list[Kept],
) -> None:
    config_map = None if own is None else tuner(*own)
    peers = [tuner(each) for each in others]
    start = remembered(lock, shape, config_map, former, tuple(earlier), peers)
    everything = [*(own or []), *([former] if former else []), *earlier, *others]
    if start.state_json is not None:
        assert Kept(lock, shape, start.state_json) in everything
    assert len(start.earlier) <= MOST_EARLIER
    assert not any(each.of(lock, shape) for each in start.earlier)


@given(kept=st.lists(KEPT, max_size=5))
def test_earlier_states_are_read_as_they_were_written(kept: list[Kept]) -> None:
    assert earlier_from_json(earlier_to_json(tuple(kept))) == tuple(kept)


@given(text=st.text(max_size=20) | st.sampled_from(["[1]", "{}", "null", '[{"lock": 1}]']))
def test_a_damaged_value_is_dropped(text: str) -> None:
    assert earlier_from_json(text) == ()
