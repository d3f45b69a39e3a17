"""`tandem simulate`: latency by policy, concurrency and output length, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tandem_operator.cli.main import main
from tandem_operator.simulation.synthetic import synthetic_trace
from tandem_operator.simulation.trace import TraceError, read_trace, scaled

ROOT = Path(__file__).parents[3]
PROFILE = str(ROOT / "examples/profiles/qwen2.5-72b-2xh100.json")
TRACES = sorted((ROOT / "tests/data/traces").glob("*.csv"))


def test_a_closed_loop_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    plot = tmp_path / "plot.png"
    words = ["simulate", "--concurrency", "4", "--profile", PROFILE, "--horizon", "60"]
    words += ["--policy", "goodput,off,oracle", "--output", "json", "--plot", str(plot)]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report["policies"]) == {"goodput", "off", "oracle"}
    off, best = report["policies"]["off"], report["policies"]["oracle"]
    assert best["regret_percent"] == pytest.approx(0, abs=1e-6)
    assert off["request_latency"]["end_to_end_s"]["p50"] > (
        1.3 * best["request_latency"]["end_to_end_s"]["p50"]
    )
    assert set(best["by_output_length"]) <= {"<100", "100-500", ">500"}
    assert best["by_concurrency"]
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_text_leads_with_latency(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["simulate", "--concurrency", "2", "--profile", PROFILE, "--horizon", "20"]
    assert main([*words, "--policy", "static,fixed:3", "--drift", "swing"]) == 0
    said = capsys.readouterr().out
    assert said.index("p50 s") < said.index("regret")
    assert "fixed:3" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--concurrency", "2", "--policy", "magic"], "magic"),
        (["--concurrency", "2", "--drift", "tide"], "tide"),
        (["--concurrency", "0"], "concurrency"),
        (["--trace", "no-such-file.csv"], "no-such-file.csv"),
        (["--concurrency", "2", "--policy", "fixed:99"], "fixed:99"),
    ],
)
def test_wrong_usage_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--profile", PROFILE, *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("path", TRACES, ids=lambda path: path.stem)
def test_shipped_traces_are_an_hour_of_requests(path: Path) -> None:
    trace = read_trace(path)
    assert len(trace.arrivals) > 1000
    assert trace.arrivals[-1].arrival_s <= 3600


def test_a_lower_rate_leaves_requests_out_and_a_higher_one_compresses_the_clock() -> None:
    trace = synthetic_trace("day", 1.0, 600.0, seed=2)
    half, double = scaled(trace, 0.5), scaled(trace, 2.0)
    assert len(half.arrivals) == pytest.approx(len(trace.arrivals) / 2, rel=0.15)
    assert double.arrivals[-1].arrival_s == pytest.approx(trace.arrivals[-1].arrival_s / 2)
    with pytest.raises(TraceError, match="rate"):
        scaled(trace, 0.0)


def test_bursts_are_seldom_and_heavy() -> None:
    trace = synthetic_trace("bursts", 1.0, 3600.0, seed=3)
    seconds = [0] * 3600
    for arrival in trace.arrivals:
        seconds[int(arrival.arrival_s)] += 1
    tens = [sum(seconds[start : start + 10]) for start in range(0, 3600, 10)]
    assert max(tens) > 25
    assert sorted(tens)[len(tens) // 2] < 8
