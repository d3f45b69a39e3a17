"""Events are read for what waits, and rarely."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tandem_operator.planning import Asked, Reference
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RefusedError
from tandem_operator.reconcile.requests.warnings import Warnings
from tests.unit.reconcile.world import KEY, HandClock, Object

JOB = Asked(Reference("batch/v1", "Job", "chat-lock-1"), "uid-1")


class Events:
    """The API server's Events, and how often they were read."""

    def __init__(self) -> None:
        self.events: list[Object] = []
        self.reads = 0
        self.refuses = False

    async def events_about(self, namespace: str, uid: str) -> tuple[Object, ...]:
        assert (namespace, uid) == (KEY[0], "uid-1")
        self.reads += 1
        if self.refuses:
            raise RefusedError(403, "events is forbidden")
        return tuple(self.events)


class Scene:
    def __init__(self) -> None:
        self.clock = HandClock()
        self.events = Events()
        self.warnings = Warnings(cast(Client, self.events), self.clock)

    def ask(self, *asked: Asked) -> bool:
        return asyncio.run(self.warnings.read(KEY, asked))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def event(reason: str, note: str, at: str, kind: str = "Warning") -> Object:
    return {"type": kind, "reason": reason, "note": note, "deprecatedLastTimestamp": at}


def test_the_newest_warning_is_told_once_it_was_waited_for(scene: Scene) -> None:
    scene.events.events = [
        event("FailedCreate", "older", "2026-01-02T03:04:05Z"),
        event("FailedCreate", "newer", "2026-01-02T03:05:05Z"),
        event("QuotaReserved", "no warning", "2026-01-02T03:06:05Z", "Normal"),
    ]
    assert not scene.ask(JOB)
    assert scene.events.reads == 0 and scene.warnings.due_s(KEY) == 5

    scene.clock.move(5)
    assert scene.ask(JOB)
    assert scene.warnings.words(KEY) == {"uid-1": "FailedCreate: newer"}


def test_reads_become_rare(scene: Scene) -> None:
    for _ in range(600):
        scene.ask(JOB)
        scene.clock.move(1)

    assert scene.events.reads <= 13


def test_what_is_no_longer_asked_is_forgotten(scene: Scene) -> None:
    scene.events.events = [event("FailedCreate", "no", "2026-01-02T03:04:05Z")]
    scene.ask(JOB)
    scene.clock.move(5)
    scene.ask(JOB)

    scene.ask()

    assert scene.warnings.words(KEY) == {}
    assert scene.warnings.due_s(KEY) is None


def test_without_the_right_to_read_events_nothing_is_held_up(scene: Scene) -> None:
    scene.events.refuses = True
    scene.ask(JOB)
    scene.clock.move(5)

    assert not scene.ask(JOB)
    assert scene.warnings.words(KEY) == {}


def test_many_that_wait_do_not_read_all_at_once(scene: Scene) -> None:
    asked = [Asked(Reference("v1", "Pod", f"pod-{number}"), "uid-1") for number in range(50)]
    keys = [(KEY[0], f"chat-{number}") for number in range(50)]
    for key, each in zip(keys, asked, strict=True):
        asyncio.run(scene.warnings.read(key, (each,)))
    scene.clock.move(5)

    for key, each in zip(keys, asked, strict=True):
        asyncio.run(scene.warnings.read(key, (each,)))

    assert scene.events.reads == 1
    assert scene.warnings.due_s(keys[-1]) == pytest.approx(0.1)
