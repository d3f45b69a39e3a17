"""`tandem simulate`: latency by policy, concurrency and output length, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tandem_operator.cli.main import main
from tandem_operator.simulation.world.load.synthetic import synthetic_trace
from tandem_operator.simulation.world.load.trace import TraceError, read_trace, scaled

ROOT = Path(__file__).parents[3]
PROFILE = str(ROOT / "operator/tandem_operator/profiles/qwen2.5-72b-2xh100.json")
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
    output = capsys.readouterr().out
    assert output.index("p50 s") < output.index("regret")
    assert "fixed:3" in output


LOOP = ["--concurrency", "2", "--horizon", "5"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*LOOP, "--policy", "magic"], "'magic' is not known: give goodput"),
        ([*LOOP, "--policy", " , "], "--policy is empty"),
        ([*LOOP, "--policy", "fixed:99"], "fixed:99"),
        ([*LOOP, "--drift", "tide"], "'tide' is not known: give one of none"),
        ([*LOOP, "--engine-drift", "thaw"], "'thaw' is not known: give one of none"),
        ([*LOOP, "--profile", "no-such.json"], "no-such.json: No such file"),
        ([*LOOP, "--profile", str(ROOT / "README.md")], "README.md: not JSON"),
        ([*LOOP, "--max-tokens", "99"], "--max-tokens is 99: give 0 to 7"),
        ([*LOOP, "--min-acceptance", "250"], "--min-acceptance is 250"),
        ([*LOOP, "--rate", "2"], "--rate is for a trace"),
        ([*LOOP, "--scrape", "0"], "--scrape is 0"),
        ([*LOOP, "--seed", "-1"], "--seed is -1"),
        ([*LOOP, "--stabilization", "-1"], "--stabilization is -1: give seconds, 0 or more"),
        ([*LOOP, "--plot", "no-such-folder/plot.png"], "no folder no-such-folder"),
        ([*LOOP, "--plot", "plot.xyz"], "PNG"),
        (["--concurrency", "0"], "--concurrency is 0: give 1 to 4096"),
        (["--concurrency", "-3"], "--concurrency is -3: give 1 to 4096"),
        (["--concurrency", "99999999"], "--concurrency is 99999999: give 1 to 4096"),
        ([*LOOP, "--max-concurrency", "0"], "--max-concurrency is 0: give 1 or more"),
        (["--prometheus", "prometheus:9090"], "give an address, as http://host:9090"),
        (
            ["--prometheus", "http://h:9090", "--prometheus-ca", "missing.pem"],
            "--prometheus-ca missing.pem: there is no such file",
        ),
        (
            ["--prometheus", "http://127.0.0.1:1"],
            "Prometheus at http://127.0.0.1:1 does not answer ([Errno 111] Connection refused)",
        ),
        (["--concurrency", "2", "--horizon", "nan"], "--horizon is nan"),
        (["--concurrency", "2", "--horizon", "1e9"], "--horizon is 1e+09"),
        (["--trace", "no-such-file.csv"], "no-such-file.csv: No such file"),
        (["--trace", str(ROOT)], "Is a directory"),
        (["--trace", str(TRACES[0]), "--rate", "0"], "--rate is 0"),
    ],
)
def test_wrong_usage_is_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", "--profile", PROFILE, *words]) == 2
    written = capsys.readouterr()
    assert message in written.err
    assert written.err.count("\n") == 1
    assert written.out == ""


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "column 'arrival_s' is missing"),
        (["arrival_s,input_tokens,output_tokens"], "no request in it"),
        (["arrival_s,input_tokens,output_tokens", "1e9,20,20"], "comes at 1000000000 s"),
        (["# a comment", "arrival_s,input_tokens,output_tokens", "0,20,x"], "line 3"),
        (["arrival_s,input_tokens,output_tokens", "-1,20,20"], "line 2: arrival_s"),
    ],
)
def test_a_trace_that_cannot_be_played_is_one_line(
    rows: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("\n".join(rows))
    assert main(["simulate", "--profile", PROFILE, "--trace", str(trace)]) == 2
    error_text = capsys.readouterr().err
    assert message in error_text
    assert str(trace) in error_text
    assert error_text.count("\n") == 1


def test_bytes_are_no_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_bytes(b"\xff\xfe\x00")
    assert main(["simulate", "--profile", PROFILE, "--trace", str(trace)]) == 2
    assert f"{trace}: no CSV" in capsys.readouterr().err


def test_the_best_fixed_depth_is_found_in_hindsight(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*LOOP, "--max-tokens", "2", "--policy", "fixed:best,fixed:1,off", "--output", "json"]
    assert main(["simulate", "--profile", PROFILE, *words]) == 0
    policies = json.loads(capsys.readouterr().out)["policies"]
    (best,) = (one for name, one in policies.items() if name.endswith(", best"))
    regrets = [policies[name]["regret_percent"] for name in ("fixed:1", "off")]
    assert best["regret_percent"] <= min(regrets)


def test_the_idle_draft_is_told_apart_from_no_draft(capsys: pytest.CaptureFixture[str]) -> None:
    words = [*LOOP, "--horizon", "60", "--policy", "off,removed", "--output", "json"]
    assert main(["simulate", "--profile", PROFILE, *words]) == 0
    policies = json.loads(capsys.readouterr().out)["policies"]
    off, removed = policies["off"], policies["removed"]
    assert (off["draft_loaded"], removed["draft_loaded"]) == (True, False)
    tax = off["tax_of_idle_draft_percent"]
    assert tax > 0.5
    assert off["worst_ten_minutes"]["against_removed_percent"] == pytest.approx(tax, abs=0.1)
    assert removed["worst_ten_minutes"]["against_removed_percent"] == pytest.approx(0, abs=1e-6)
    faster = removed["tokens_per_s"] / off["tokens_per_s"] - 1
    assert 100 * faster == pytest.approx(tax, abs=0.5)


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
