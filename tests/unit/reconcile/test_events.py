"""Few Events, whatever comes and goes, and nothing that was told is lost from the count."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from tandem_operator.planning import EventRecord
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RefusedError
from tandem_operator.reconcile.requests.events import (
    MOST_A_MINUTE,
    SERIES_ENDS_S,
    SERIES_EVERY_S,
    EventRecorder,
)
from tests.unit.reconcile.world import KEY, NAMESPACE, HandClock, Object

READY = EventRecord("Normal", "Serving", "1 of 1 replicas are ready")
STARTING = EventRecord("Normal", "Starting", "the first replica is coming up")
RESOURCE = {"metadata": {"name": "chat", "namespace": NAMESPACE, "uid": "1"}}


class Scene:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.events: dict[str, Object] = {}
        self.writes_s: list[float] = []
        self.refused = False
        self.recorder = EventRecorder(cast(Client, self), self.clock, "one")

    async def create_event(self, namespace: str, body: Object) -> None:
        self.writes_s.append(self.clock.now_s())
        if self.refused:
            raise RefusedError(403, "no")
        self.events[body["metadata"]["name"]] = body

    async def patch_event(self, namespace: str, name: str, change: Object) -> None:
        self.writes_s.append(self.clock.now_s())
        self.events[name] |= change

    def record(self, event_record: EventRecord, resource: Object = RESOURCE) -> None:
        asyncio.run(self.recorder.record(resource, event_record))
        asyncio.run(self.recorder.bring_up_to_date(KEY))

    def pass_time(self, seconds: float) -> None:
        """Reconciliations come when they are due."""
        end_s = self.clock.now_s() + seconds
        while (due_s := self.recorder.due_s(KEY)) is not None:
            if self.clock.now_s() + due_s > end_s:
                break
            self.clock.move(due_s)
            asyncio.run(self.recorder.bring_up_to_date(KEY))
        self.clock.move(end_s - self.clock.now_s())

    def counts(self) -> dict[str, int]:
        return {
            each["note"]: each.get("series", {"count": 1})["count"] for each in self.events.values()
        }

    def most_in_a_minute(self) -> int:
        return max(sum(at <= each < at + 60 for each in self.writes_s) for at in self.writes_s)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_is_new_is_told_at_once(scene: Scene) -> None:
    scene.record(READY)
    scene.record(STARTING)

    assert scene.counts() == {READY.message: 1, STARTING.message: 1}
    assert scene.recorder.due_s(KEY) is None


def test_what_repeats_is_one_series_with_its_count(scene: Scene) -> None:
    for _ in range(40):
        scene.record(READY)
        scene.record(STARTING)
        scene.pass_time(0.8)
    scene.pass_time(SERIES_EVERY_S)

    assert scene.counts() == {READY.message: 40, STARTING.message: 40}
    assert len(scene.writes_s) <= 6
    assert scene.recorder.due_s(KEY) is None, "nothing is written in a quiet world"


def test_a_flood_of_different_messages_is_bounded(scene: Scene) -> None:
    for number in range(200):
        scene.record(EventRecord("Normal", "RollingOut", f"{number} of 200"))
        scene.pass_time(0.5)
    scene.pass_time(120)

    assert scene.most_in_a_minute() <= MOST_A_MINUTE
    assert sum(scene.counts().values()) >= 190, "they count in the series of their reason"


def test_after_a_long_while_it_is_news_again(scene: Scene) -> None:
    scene.record(READY)
    scene.pass_time(SERIES_ENDS_S)
    scene.record(READY)

    assert len(scene.events) == 2


def test_another_resource_has_its_own_measure(scene: Scene) -> None:
    for number in range(MOST_A_MINUTE + 1):
        scene.record(EventRecord("Normal", str(number), "one"))
    other: dict[str, Any] = {"metadata": {**RESOURCE["metadata"], "name": "other"}}
    scene.record(READY, other)

    assert READY.message in scene.counts()


def test_a_refused_event_holds_nothing_up(scene: Scene) -> None:
    scene.refused = True
    scene.record(READY)
    scene.refused = False
    scene.record(STARTING)

    assert scene.counts() == {STARTING.message: 1}


def test_a_note_is_as_long_as_the_api_server_takes_it_in_bytes(scene: Scene) -> None:
    scene.record(EventRecord("Warning", "InvalidTemplate", "拒否" * 400))

    ((note, _),) = scene.counts().items()
    assert len(note.encode()) <= 1024
    assert note == "拒否" * 170 + "拒"


def test_a_warning_that_was_not_told_yet_finds_room_among_many_others() -> None:
    scene = Scene()
    for number in range(MOST_A_MINUTE + 5):
        scene.record(EventRecord("Normal", f"Reason{number}", "it comes and goes"))
    fight = EventRecord(
        "Warning", "FieldContested", "Service chat: somebody keeps changing spec.ports"
    )

    scene.record(fight)

    assert scene.counts()[fight.message] == 1
    assert len(scene.writes_s) <= 10
