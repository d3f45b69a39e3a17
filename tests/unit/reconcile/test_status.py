"""Status comes about once a second, none is lost, and an older definition does not stop it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tandem_operator.cluster.store import Store
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RetryError
from tandem_operator.reconcile.requests.status import (
    COUNTS_EVERY_S,
    LEARNED_FOR_S,
    MOST,
    WITHIN_S,
    StatusWriter,
)
from tests.unit.reconcile.world import KEY, NAMESPACE, HandClock, Object

RESOURCE = {"metadata": {"name": "chat", "namespace": NAMESPACE, "uid": "1"}}


class Scene:
    """`lacks` are fields that the definition of the API server does not have; `heard` are versions
    that the watch brings while a write is on its way."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.written: list[Object] = []
        self.lacks: set[str] = set()
        self.down = False
        self.heard: list[int] = []
        self.store = Store()
        self.writer = StatusWriter(cast(Client, self), self.store, self.clock)

    async def apply_status(self, body: Object) -> Object:
        for version in self.heard:
            self.store.own_writes.hear(KEY, version)
        if self.down:
            raise RetryError("it is down", 503)
        for name in sorted(self.lacks):
            *parents, last = name.split(".")
            holder = body["status"]
            for part in parents:
                holder = holder.get(part, {})
            if last not in holder:
                continue
            raise RetryError(
                "failed to create typed patch object (serving/chat; tandem.dev/v1alpha1, "
                f"Kind=SpeculativeDeployment): .status.{name}: field not declared in schema",
                500,
            )
        self.written.append(body["status"])
        metadata = {**body["metadata"], "resourceVersion": str(len(self.written))}
        return {**body, "metadata": metadata}

    def write(self, **status: object) -> bool:
        return asyncio.run(self.writer.write(KEY, RESOURCE, status))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_more_than_one_a_second_waits_for_its_time(scene: Scene) -> None:
    for generation in range(MOST):
        assert scene.write(observedGeneration=generation)
    assert scene.writer.due_s(KEY) is None
    scene.clock.move(0.5)
    assert not scene.write(observedGeneration=9)
    assert scene.writer.due_s(KEY) == WITHIN_S - 0.5

    scene.clock.move(WITHIN_S - 0.5)
    assert scene.write(observedGeneration=9)
    assert scene.written[-1] == {"observedGeneration": 9}
    assert scene.writer.due_s(KEY) is None


def test_counts_wait_a_second_and_are_told_at_once_with_a_condition(scene: Scene) -> None:
    assert scene.write(replicas=1)
    scene.clock.move(0.25)
    assert not scene.write(replicas=2)
    assert scene.writer.due_s(KEY) == COUNTS_EVERY_S - 0.25

    ready = {"type": "Ready", "status": "True", "reason": "Serving"}
    assert scene.write(replicas=3, conditions=[ready])
    assert scene.writer.due_s(KEY) is None
    assert [each["replicas"] for each in scene.written] == [1, 3]


def test_what_was_too_early_and_came_to_nothing_is_due_no_more(scene: Scene) -> None:
    scene.write(replicas=1)
    assert not scene.write(replicas=2)
    scene.writer.settled(KEY)
    assert scene.writer.due_s(KEY) is None


def test_the_event_of_a_write_asks_for_nothing(scene: Scene) -> None:
    scene.heard = [1]
    assert scene.write(replicas=1)
    assert scene.writer.due_s(KEY) is None


def test_what_else_is_heard_during_a_write_is_reconciled_at_once(scene: Scene) -> None:
    """Somebody edited the resource just before the status came."""
    scene.heard = [0, 1]
    assert scene.write(replicas=1)
    assert scene.writer.due_s(KEY) == 0
    scene.writer.settled(KEY)
    assert scene.writer.due_s(KEY) is None


def test_what_is_heard_during_a_write_that_fails_is_reconciled(scene: Scene) -> None:
    scene.heard, scene.down = [7], True
    with pytest.raises(RetryError):
        scene.write(replicas=1)
    assert scene.writer.due_s(KEY) == 0


def test_a_write_that_failed_may_be_tried_at_once(scene: Scene) -> None:
    scene.down = True
    with pytest.raises(RetryError):
        scene.write(replicas=1)
    scene.down = False
    assert scene.write(replicas=1)


def test_what_the_definition_does_not_know_is_left_out_and_said_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.lacks = {"managedBy", "pair.mixture"}
    for replicas in (1, 2):
        pair = {"inputHash": "1", "mixture": True}
        assert scene.write(replicas=replicas, managedBy="a/b", pair=pair)
        scene.clock.move(WITHIN_S)

    status = {"pair": {"inputHash": "1"}}
    assert scene.written == [{"replicas": 1, **status}, {"replicas": 2, **status}]
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert all("crds/" in line for line in messages)


def test_a_status_that_differs_in_unknown_fields_alone_is_not_written_again(scene: Scene) -> None:
    scene.lacks = {"managedBy"}
    assert scene.write(replicas=1, managedBy="a/b")
    scene.clock.move(WITHIN_S)
    stored = {**RESOURCE, "status": {"replicas": 1}}
    assert asyncio.run(scene.writer.write(KEY, stored, {"replicas": 1, "managedBy": "a/b"}))

    assert len(scene.written) == 1


def test_a_definition_that_was_brought_up_to_date_is_told_everything(scene: Scene) -> None:
    scene.lacks = {"managedBy"}
    scene.write(replicas=1, managedBy="a/b")
    scene.lacks = set()
    scene.clock.move(LEARNED_FOR_S)
    scene.write(replicas=2, managedBy="a/b")

    assert scene.written[-1] == {"replicas": 2, "managedBy": "a/b"}
    assert scene.writer.undeclared == set()
