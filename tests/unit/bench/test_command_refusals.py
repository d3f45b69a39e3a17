"""What keeps tandem bench from measuring, told in one line, and what it does not lose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tandem_operator.bench import steering
from tandem_runtime.contract.table import parse, render
from tests.unit.bench.fake_engine import FakeEngine, serving
from tests.unit.bench.measured_engine import SURVIVAL, THEIRS, TRUTH, done


def test_the_state_of_another_measurement_is_not_gone_on_with(
    bench: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL)) as engine:
        bench(engine)
        capsys.readouterr()
        assert bench(engine, "--seed", "7") == 2

    assert "began as another measurement (differs in seed)" in capsys.readouterr().err


def test_a_dead_server_is_said(
    bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL)) as engine:
        gone = engine.url

    assert bench(gone) == 2
    assert f"{gone}/metrics does not answer" in capsys.readouterr().err


def test_an_engine_without_speculation_is_said(
    bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL, speculates=False)) as engine:
        assert bench(engine) == 2

    assert "started without speculation" in capsys.readouterr().err


def test_a_table_without_the_plugin_is_said(
    bench: Callable[..., int], table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL)) as engine:
        assert bench(engine, "--table-file", str(table)) == 2

    assert "K is set live by the plugin alone" in capsys.readouterr().err


def test_a_table_that_the_engine_does_not_read_is_said(
    bench: Callable[..., int],
    table: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steering, "TAKEN_WITHIN_S", 0.3)
    other = tmp_path / "other.json"
    with serving(FakeEngine(TRUTH, SURVIVAL, table)) as engine:
        assert bench(engine, "--table-file", str(other)) == 2

    assert f"the plugin did not take {other}" in capsys.readouterr().err
    assert not other.exists()
    assert not table.exists()


def test_a_refused_request_ends_the_run_with_the_engines_words(
    bench: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL, refusal="context is too long")) as engine:
        assert bench(engine) == 2

    assert "answers 400" in (error_text := capsys.readouterr().err)
    assert "context is too long" in error_text


def test_an_engine_that_fails_midway_costs_no_finished_block(
    bench: Callable[..., int], table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(render(THEIRS))
    engine = FakeEngine(TRUTH, SURVIVAL, table)

    def fail_when_half_done(_: int) -> None:
        if len(done(tmp_path)) == 4:
            engine.refusal = "out of memory"

    engine.on_answer = fail_when_half_done
    with serving(engine):
        first, kept = bench(engine, "--table-file", str(table)), done(tmp_path)
        error_text = capsys.readouterr().err
        assert parse(table.read_text()) == THEIRS
        engine.refusal, engine.on_answer = None, lambda _: None
        second = bench(engine, "--table-file", str(table))

    assert (first, len(kept)) == (2, 4)
    assert "out of memory" in error_text
    assert "the same command goes on" in error_text
    assert (second, done(tmp_path)[:4], len(done(tmp_path))) == (0, kept, 9)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--block-s", "0"], "--block-s is 0: give a number above 0"),
        (["--block-s", "nan"], "--block-s is nan: give a number above 0"),
        (["--warmup-s", "-1"], "--warmup-s is -1: give 0 or more"),
        (["--max-running", "0"], "--max-running is 0: give a number above 0"),
        (["--rounds", "0"], "--rounds is 0: give a number above 0"),
        (["--concurrency", "0"], "--concurrency has 0 clients: give 1 or more"),
        (["--tokens", "99"], "--tokens has 99: give K of 32 at most"),
        (["--endpoint", "localhost:8000"], "give an address, as http://host:port"),
        (["--out", "missing-folder/profile.json"], "there is no folder missing-folder"),
        (["--table-file", "."], "--table-file . is a folder: name a file in it"),
        (["--prompts", "easy=missing.txt"], "missing.txt: No such file or directory"),
        (["--prompts", "easy"], "give NAME=FILE"),
        (["--pair", "target"], "give KEY=VALUE"),
    ],
)
def test_wrong_words_are_refused(
    bench: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    with serving(FakeEngine(TRUTH, SURVIVAL)) as engine:
        assert bench(engine, *words) == 2

    assert message in capsys.readouterr().err
