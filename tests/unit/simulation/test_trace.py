"""A trace is read whole or refused with the place of the first bad value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tandem_operator.simulation.world.load.loops import closed_loop
from tandem_operator.simulation.world.load.trace import TraceError, read_trace


def written(folder: Path, text: str) -> Path:
    path = folder / "trace.csv"
    path.write_text(text)
    return path


def test_requests_come_in_order_of_arrival(tmp_path: Path) -> None:
    trace = read_trace(
        written(tmp_path, "arrival_s,input_tokens,output_tokens\n2.5,10,20\n0,30,40\n")
    )
    assert [(a.arrival_s, a.input_tokens, a.output_tokens) for a in trace.arrivals] == [
        (0.0, 30, 40),
        (2.5, 10, 20),
    ]


def test_segments_are_optional_and_kept(tmp_path: Path) -> None:
    trace = read_trace(
        written(tmp_path, "arrival_s,input_tokens,output_tokens,segment\n0,1,2,code\n1,1,2,\n")
    )
    assert [arrival.segment for arrival in trace.arrivals] == ["code", "other"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arrival_s,input_tokens\n0,1\n", "column 'output_tokens' is missing"),
        ("arrival_s,input_tokens,output_tokens\n", "no request"),
        ("arrival_s,input_tokens,output_tokens\n0,1,2\nsoon,1,2\n", "line 3"),
        ("arrival_s,input_tokens,output_tokens\nnan,1,2\n", "line 2: arrival_s"),
        ("arrival_s,input_tokens,output_tokens\n-1,1,2\n", "line 2: arrival_s"),
        ("arrival_s,input_tokens,output_tokens\n0,0,2\n", "line 2: token counts"),
        ("arrival_s,input_tokens,output_tokens\n0,1e400,2\n", "line 2"),
        ("arrival_s,input_tokens,output_tokens\n0,1\n", "line 2"),
    ],
)
def test_a_bad_trace_names_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        read_trace(written(tmp_path, text))


def test_a_closed_loop_repeats_with_its_seed() -> None:
    assert closed_loop(8, seed=1, requests=50) == closed_loop(8, seed=1, requests=50)
    assert closed_loop(8, seed=1, requests=50) != closed_loop(8, seed=2, requests=50)
