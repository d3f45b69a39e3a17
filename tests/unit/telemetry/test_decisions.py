"""Each table that comes into force is told once, and a decision's way to the engines is timed."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tandem_operator.planning import MetricsView, ReplicaView, TuningView
from tandem_operator.telemetry.decisions import Decisions
from tandem_operator.telemetry.logs import JsonFormatter
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.tuning import Decision
from tandem_runtime.contract.table import Range, SpeculationTable

KEY = ("serving", "chat")
LOCK = "ab" * 32
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Scene:
    """A table, a tuner's view of it, and what was told."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog
        self.metrics = Metrics("0.1.0")
        self.decisions = Decisions(self.metrics)
        self.lock = LOCK
        self.generation = 7
        self.decided_s = 0.0
        self.applied: tuple[int | None, ...] = (7, 7)

    def decide(self, at_s: float) -> None:
        """The tuner decides, and its table is written by the same reconciliation."""
        self.decided_s = at_s
        self.generation += 1

    def poll(self, at_s: float) -> None:
        table = SpeculationTable(
            lock=self.lock,
            generation=self.generation,
            schedule=(Range(1, 8, 5), Range(9, 256, 0)),
            reason="Goodput",
        )
        self.decisions.see(KEY, table, self._view(), START + timedelta(seconds=at_s))

    def _view(self) -> TuningView:
        return TuningView(
            lock_hash=self.lock,
            decision=Decision(
                schedule=((1, 8, 5), (9, 256, 0)),
                prefill_schedule=None,
                explore=None,
                state="Active",
                reason="Goodput",
                message="K 5 up to 8 requests",
                inputs={"acceptanceRate": 0.8},
            ),
            decided_at=START + timedelta(seconds=self.decided_s),
            metrics=MetricsView("True", "Fresh", ""),
            drafted_tokens=0.0,
            wasted_tokens=0.0,
            mixed_depth_steps=0.0,
            replicas=tuple(
                ReplicaView(pod=f"chat-{i}", uid=str(i), lock=self.lock, applied_generation=values)
                for i, values in enumerate(self.applied)
            ),
        )

    def lags(self) -> dict[str, list[float]]:
        """Count and sum in seconds by what was waited for."""
        lags_by_name: dict[str, list[float]] = {}
        for line in self.metrics.page().decode().splitlines():
            for part in ("count", "sum"):
                head = f'tandem_operator_decision_seconds_{part}{{until="'
                if line.startswith(head):
                    until, value = line.removeprefix(head).split('"} ')
                    lags_by_name.setdefault(until, []).append(float(value))
        return lags_by_name

    def lines(self) -> list[dict[str, Any]]:
        """What a machine reads of the audit."""
        return [
            json.loads(JsonFormatter().format(record))
            for record in self._caplog.records
            if record.name == "tandem_operator.audit"
        ]


@pytest.fixture
def scene(caplog: pytest.LogCaptureFixture) -> Scene:
    caplog.set_level(logging.INFO)
    return Scene(caplog)


def test_a_decision_is_timed_until_it_is_written_and_until_all_pods_have_it(scene: Scene) -> None:
    scene.poll(0)
    scene.decide(10)
    scene.poll(10.5)
    assert scene.lags() == {"written": [1, 0.5]}

    for applied, at_s in (((8, 7), 11), ((8, None), 11.5)):
        scene.applied = applied
        scene.poll(at_s)
        assert "applied" not in scene.lags(), "one pod has not told of it"
    scene.applied = (8, 8)
    scene.poll(12)
    scene.poll(20)

    assert scene.lags() == {"written": [1, 0.5], "applied": [1, 2.0]}


def test_a_table_is_told_once_with_the_numbers_of_its_decision(scene: Scene) -> None:
    scene.poll(0)
    scene.decide(10)
    scene.poll(10.5)
    scene.poll(11)

    (line,) = scene.lines()
    assert line["message"] == "serving/chat table 8, Goodput: K 5 up to 8 requests"
    assert (line["namespace"], line["name"], line["lock"]) == ("serving", "chat", LOCK)
    assert (line["generation"], line["reason"]) == (8, "Goodput")
    assert line["schedule"] == [[1, 8, 5], [9, 256, 0]]
    assert line["inputs"] == {"acceptanceRate": 0.8}
    assert line["decidedAt"] == "2026-01-02T03:04:15.000+00:00"


def test_what_stood_before_this_process_is_not_news(scene: Scene) -> None:
    scene.poll(0)
    scene.poll(5)

    assert (scene.lines(), scene.lags()) == ([], {})


def test_a_table_that_the_spec_made_has_no_lag(scene: Scene) -> None:
    scene.poll(0)
    scene.decided_s = 10
    scene.poll(10)
    scene.generation += 1
    scene.poll(500)
    scene.applied = (8, 8)
    scene.poll(501)

    assert len(scene.lines()) == 1
    assert scene.lags() == {}


def test_another_lock_begins_anew(scene: Scene) -> None:
    scene.poll(0)
    scene.decide(10)
    scene.lock = "cd" * 32
    scene.poll(11)

    assert (scene.lines(), scene.lags()) == ([], {})
