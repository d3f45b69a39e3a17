"""Status comes at most once a second, none is lost, and an older definition does not stop it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tandem_operator.observe.store import Store
from tandem_operator.reconcile.client import Client
from tandem_operator.reconcile.errors import RetryError
from tandem_operator.reconcile.status import EVERY_S, StatusWriter
from tests.unit.reconcile.world import KEY, NAMESPACE, HandClock, Object

RESOURCE = {"metadata": {"name": "chat", "namespace": NAMESPACE, "uid": "1"}}


class Scene:
    """`lacks` are fields that the definition of the API server does not have."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.written: list[Object] = []
        self.lacks: set[str] = set()
        self.down = False
        self.writer = StatusWriter(cast(Client, self), Store(), self.clock)

    async def apply_status(self, body: Object) -> Object:
        if self.down:
            raise RetryError("it is down", 503)
        for name in self.lacks & body["status"].keys():
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


def test_two_in_a_second_are_one_now_and_one_when_it_is_due(scene: Scene) -> None:
    assert scene.write(replicas=1)
    assert scene.writer.due_s(KEY) is None
    scene.clock.move(0.25)
    assert not scene.write(replicas=2)
    assert scene.writer.due_s(KEY) == EVERY_S - 0.25

    scene.clock.move(EVERY_S - 0.25)
    assert scene.write(replicas=2)
    assert scene.written == [{"replicas": 1}, {"replicas": 2}]
    assert scene.writer.due_s(KEY) is None


def test_a_write_that_failed_may_be_tried_at_once(scene: Scene) -> None:
    scene.down = True
    with pytest.raises(RetryError):
        scene.write(replicas=1)
    scene.down = False
    assert scene.write(replicas=1)


def test_what_the_definition_does_not_know_is_left_out_and_said_once(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.lacks = {"managedBy", "selector"}
    for replicas in (1, 2):
        assert scene.write(replicas=replicas, managedBy="a/b", selector="x")
        scene.clock.move(EVERY_S)

    assert scene.written == [{"replicas": 1}, {"replicas": 2}]
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert all("crds/" in line for line in said)
