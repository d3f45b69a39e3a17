"""Finished blocks survive whatever ends a run."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_operator.bench.measured import Measured, Sample, from_document, to_document
from tandem_operator.bench.plan import Block
from tandem_operator.bench.state import State, StateError, path_beside

finite = st.floats(1e-6, 1e6)
samples = st.builds(Sample, finite, st.integers(0, 32), finite, finite, finite, finite)
several = st.lists(finite, max_size=4).map(tuple)
blocks = st.builds(
    Block, st.integers(0, 9), st.integers(1, 64), st.none() | st.integers(0, 32), st.text()
)
finished = st.builds(
    Measured, blocks, st.lists(samples, max_size=3).map(tuple), several, several, finite, several
)
ONE = Measured(Block(0, 4, 3, "general"), (Sample(4.0, 3, 0.01, 9.0, 1.0, 0.0),), (5.0,), (9.0,), 1)


@given(finished)
def test_a_block_is_read_as_it_was_written(measured: Measured) -> None:
    assert from_document(to_document(measured)) == measured


def test_a_second_run_reads_what_the_first_finished(tmp_path: Path) -> None:
    path = path_beside(tmp_path / "new" / "profile.json")
    State(path, {"seed": 1}).add(ONE)

    assert State(path, {"seed": 1}).done == [ONE]


@pytest.mark.parametrize("kept", range(1, 12))
def test_a_line_that_was_cut_off_is_dropped_and_the_file_goes_on(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "state"
    state = State(path, {"seed": 1})
    state.add(ONE)
    whole = path.read_text()
    state.add(ONE)
    path.write_text(path.read_text()[: len(whole) + 15 * kept])

    again = State(path, {"seed": 1})
    again.add(ONE)

    assert State(path, {"seed": 1}).done == [ONE, ONE]


def test_a_file_that_is_no_state_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("hello\n")

    with pytest.raises(StateError, match="not a state of tandem bench"):
        State(path, {"seed": 1})
    assert path.read_text() == "hello\n"
