"""The report's numbers come from the requests and the counters alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hack.demo.phases import ONE, SIXTEEN
from hack.demo.report import summarize, write_report
from hack.demo.sample import Counters
from hack.demo.table import summary
from tests.unit.demo.builders import good_run, request


def test_latency_is_of_whole_requests_and_time_per_token_of_the_counters() -> None:
    requests = [request(seconds=s, start_s=0) for s in (1, 2, 3, 4)] + [request(error="HTTP 500")]

    result = summarize(ONE, 1, requests, good_run())

    assert (result.requests, result.failed) == (4, 1)
    assert result.latency_p50_s == 2.5
    assert result.latency_p95_s == 4
    assert result.tokens_per_s == 4 * 96 / 4
    assert result.time_per_token_ms == pytest.approx(10)


def test_a_phase_in_which_nothing_finished_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 requests finished"):
        summarize(SIXTEEN, 16, [request(ONE)], good_run())


def test_acceptance_is_per_drafted_token_that_was_reached() -> None:
    """100 drafts of 3 tokens with survival .8, .64, .512: the rate is .8, not .65."""
    before = Counters(0, 0, 0, (), ())
    after = Counters(0, 0, 0, (100, 100, 100), (80, 64, 51.2))

    assert after.acceptance_percent(before) == pytest.approx(80, abs=0.1)


def test_the_report_is_written_whole(tmp_path: Path) -> None:
    samples = good_run()
    tuned = [summarize(ONE, 1, [request()], samples)]
    off = [summarize(ONE, 1, [request(seconds=2)], samples)]

    write_report(tmp_path, tuned, off, samples, {"provider": "local"})

    report = json.loads((tmp_path / "report.json").read_text())
    assert report["facts"] == {"provider": "local"}
    assert len(report["samples"]) == len(samples)
    assert (tmp_path / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert "1.00    2.00" in summary(tuned, off)
