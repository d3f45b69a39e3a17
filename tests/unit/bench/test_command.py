"""`tandem bench` against a fake engine on loopback, from the command line to the profile."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tandem_operator.simulation.world.profile import read_profile
from tandem_operator.tuning.step_time.profile import step_time_s
from tandem_runtime.contract.table import parse, render
from tests.unit.bench.fake_engine import FakeEngine, serving
from tests.unit.bench.measured_engine import SURVIVAL, THEIRS, TRUTH, done

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/profile.schema.json").read_text())


def profile(tmp_path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((tmp_path / "profile.json").read_text())
    return document


def test_the_profile_is_the_engine_and_the_engine_has_its_table_again(
    bench: Callable[..., int], table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(render(THEIRS))
    with serving(FakeEngine(TRUTH, SURVIVAL, table)) as engine:
        status = bench(
            engine, "--table-file", str(table), "--pair", "target=big", "--max-running", "8"
        )

    document, fitted_profile = json.loads(capsys.readouterr().out), profile(tmp_path)
    assert status == 0
    jsonschema.validate(fitted_profile, SCHEMA)
    for name, value in TRUTH.items():
        assert fitted_profile["step_time"][name] == pytest.approx(value, rel=0.05), name
    assert fitted_profile["survival"]["general"] == pytest.approx(SURVIVAL, rel=0.01)
    assert fitted_profile["fit"]["worst_error_percent"] < 2
    assert fitted_profile["pair"] == {"target": "big"}
    assert (document["ended"], document["blocks"], document["planned"]) == ("complete", 9, 9)
    assert {(row["concurrency"], row["tokens"]) for row in document["loads"]} == {
        (clients, tokens) for clients in (1, 3, 8) for tokens in (0, 2, 5)
    }
    assert parse(table.read_text()) == THEIRS

    simulated = read_profile(tmp_path / "profile.json")
    assert simulated.max_tokens == 5
    assert simulated.limits.max_running == 8


def test_a_depth_that_the_engine_cannot_run_is_measured_once(
    bench: Callable[..., int], table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL, table)) as engine:
        assert bench(engine, "--table-file", str(table), "--tokens", "0,5,7,9") == 0

    document = json.loads(capsys.readouterr().out)
    assert {row["tokens"] for row in document["loads"]} == {0, 5}
    assert document["planned"] == 6
    assert parse(table.read_text()).tokens_for(4) == 5  # there was no table: as deep as it can


def test_without_a_table_the_depth_in_force_is_measured_from_stock_counters(
    bench: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL, tokens=3)) as engine:
        assert bench(engine, "--concurrency", "1,4,8,16") == 0

    fitted_profile = profile(tmp_path)
    assert {sample["tokens"] for sample in fitted_profile["step_samples"]} == {3}
    for sample in fitted_profile[
        "step_samples"
    ]:  # a prompt of about 14 words and half of 64 new tokens
        assert sample["context_tokens"] / sample["batch"] == pytest.approx(14 + 32, abs=4)
    assert fitted_profile["survival"]["general"] == pytest.approx(SURVIVAL[:3], rel=0.01)
    assert step_time_s(fitted_profile["step_time"], 6, 3, 600, 0) == pytest.approx(
        step_time_s(TRUTH, 6, 3, 600, 0), rel=0.05
    )
    assert [row["tokens"] for row in json.loads(capsys.readouterr().out)["loads"]] == [None] * 4


def test_an_interrupt_leaves_what_was_measured_and_a_second_run_goes_on(
    bench: Callable[..., int], table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(render(THEIRS))

    interrupts: list[int] = []

    def interrupt_when_half_done(answers: int) -> None:
        if len(done(tmp_path)) == 4 and not interrupts:
            interrupts.append(answers)
            os.kill(os.getpid(), signal.SIGINT)

    with serving(FakeEngine(TRUTH, SURVIVAL, table, on_answer=interrupt_when_half_done)) as engine:
        first = bench(engine, "--table-file", str(table))
        kept, after_first = done(tmp_path), json.loads(capsys.readouterr().out)
        assert parse(table.read_text()) == THEIRS
        engine.on_answer = lambda _: None
        second = bench(engine, "--table-file", str(table))

    assert (first, after_first["ended"], len(kept)) == (1, "interrupted", 4)
    assert "cut short" in after_first["profile"]["source"]
    assert (second, len(done(tmp_path))) == (0, 9)
    assert done(tmp_path)[:4] == kept
    blocks = [json.dumps(json.loads(line)["block"]) for line in done(tmp_path)]
    assert len(set(blocks)) == 9


def test_the_limit_is_kept(
    bench: Callable[..., int], table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL, table)) as engine:
        status = bench(engine, "--table-file", str(table), "--limit-s", "0.9")

    assert status == 2
    assert done(tmp_path) == []
    assert "out of time after 0 of 9 blocks" in capsys.readouterr().err


def test_a_block_that_was_being_written_is_measured_again(
    bench: Callable[..., int], table: Path, tmp_path: Path
) -> None:
    state = tmp_path / "profile.json.state.jsonl"
    with serving(FakeEngine(TRUTH, SURVIVAL, table)) as engine:
        assert bench(engine, "--table-file", str(table)) == 0
        state.write_text(state.read_text()[:-40])
        (tmp_path / "profile.json").unlink()
        assert bench(engine, "--table-file", str(table)) == 0

    assert len(done(tmp_path)) == 9
    assert profile(tmp_path)["fit"]["worst_error_percent"] < 2


def test_text_leads_with_latency(
    bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL)) as engine:
        assert bench(engine, "--output", "text", "--rounds", "2") == 0

    output = capsys.readouterr().out
    assert output.index("p50 s") < output.index("measured ms") < output.index("error of the fit")
    assert "between blocks of one load" in " ".join(output.split())


def test_prompts_of_two_classes_have_a_curve_each(
    bench: Callable[..., int], tmp_path: Path
) -> None:
    (tmp_path / "easy.txt").write_text("one two three\n")
    (tmp_path / "hard.jsonl").write_text('{"prompt": "four five"}\n')
    named = ["--prompts", f"easy={tmp_path / 'easy.txt'}"]
    named += ["--prompts", f"hard={tmp_path / 'hard.jsonl'}"]
    with serving(FakeEngine(TRUTH, SURVIVAL)) as engine:
        assert bench(engine, *named) == 0

    assert set(profile(tmp_path)["survival"]) == {"easy", "hard"}
