"""The tuner in front of one engine: its table is in force, and its state outlives the run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hack.tuning import tuner as room
from hack.tuning.tuner import Tuner
from tandem_operator.bench.endpoint import Endpoint
from tandem_operator.bench.load import Texts, running
from tandem_operator.bench.steering import Steering
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.tuning import Decision, Settings, State, Window
from tandem_runtime.contract.table import parse
from tests.unit.bench.fake_engine import FakeEngine, serving

Until = Callable[[list[dict[str, Any]]], bool]
STEP_TIME = {"base_s": 0.012, "token_s": 2e-4, "draft_start_s": 1e-3, "draft_pass_s": 1.5e-3}
HOPELESS = (0.02, 0.0, 0.0, 0.0, 0.0)
SETTINGS = Settings(max_tokens=5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SCRAPE_S", 0.2)


def windows(count: int) -> Until:
    return lambda journal: len(journal) >= count


def tuned(engine: FakeEngine, folder: Path, until: Until) -> list[dict[str, Any]]:
    """The journal of two clients from here on, once it is as asked."""
    journal = folder / "journal.jsonl"

    async def run() -> None:
        async with Endpoint(engine.url, DRIVER.metrics, 4) as endpoint:
            assert engine.table_file is not None
            steering = Steering(endpoint, engine.table_file)
            tuner = Tuner(SETTINGS, folder / "tuner.json", journal)
            before = lines(journal)
            async with (
                tuner.in_charge(endpoint, steering, "load"),
                running(endpoint, Texts("fake", ("a b",), 64), 2),
                asyncio.timeout(60),
            ):
                while not until(lines(journal)[len(before) :]):  # noqa: ASYNC110 (a file tells)
                    await asyncio.sleep(0.01)

    with serving(engine):
        asyncio.run(run())
    return lines(journal)


def lines(journal: Path) -> list[dict[str, Any]]:
    text = journal.read_text() if journal.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    table = tmp_path / "table" / "speculation.json"
    table.parent.mkdir()
    return FakeEngine(STEP_TIME, HOPELESS, table_file=table)


def test_the_engine_follows_what_was_decided(engine: FakeEngine, tmp_path: Path) -> None:
    def off_at_two(journal: list[dict[str, Any]]) -> bool:
        # Not the journal alone: it has a decision before the engine does.
        decided = bool(journal) and journal[-1]["schedule"][0][2] == 0
        return decided and engine.table is not None and engine.table.tokens_for(2) == 0

    tuned(engine, tmp_path, off_at_two)
    assert engine.table_file is not None
    last = parse(engine.table_file.read_text())
    assert last.tokens_for(2) == 0, "drafts that are never taken are not made"
    assert engine.table == last


def test_another_exploration_of_the_same_table_reaches_the_engine(
    engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rare = {"every": 777, "steps": 3, "offsets": [1]}
    decide = room.tune

    def tries_rarely(
        state: State, windows: tuple[Window, ...], settings: Settings
    ) -> tuple[State, Decision]:
        state, decision = decide(state, windows, settings)
        return state, replace(decision, explore=rare, changed=False) if windows else decision

    def taken(_: list[dict[str, Any]]) -> bool:
        explore = None if engine.table is None else engine.table.explore
        return explore is not None and explore.every == rare["every"]

    monkeypatch.setattr(room, "tune", tries_rarely)
    tuned(engine, tmp_path, taken)
    assert lines(tmp_path / "journal.jsonl")[-1]["explore"] == rare


def test_its_clock_runs_only_in_charge_and_its_state_goes_on(
    engine: FakeEngine, tmp_path: Path
) -> None:
    first = tuned(engine, tmp_path, windows(3))
    learned = State.from_json((tmp_path / "tuner.json").read_text())
    assert learned.now_s == pytest.approx(first[-1]["clock_s"], abs=0.01)
    second = tuned(engine, tmp_path, windows(2))
    seconds = [float(str(line["seconds"])) for line in second]
    assert float(str(second[-1]["clock_s"])) == pytest.approx(sum(seconds), abs=0.05)
