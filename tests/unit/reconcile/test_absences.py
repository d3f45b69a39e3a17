"""What ended while no watch was open is forgotten, and nothing else is."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from tandem_operator.observe.store import Key, Store
from tandem_operator.reconcile.absences import Absences
from tandem_operator.reconcile.client import Client
from tandem_operator.reconcile.errors import RetryError
from tests.unit.reconcile.world import KEY, Hands, Object, Server

LABELS = {"tandem.dev/deployment": "chat"}


def resource() -> Object:
    return {
        "apiVersion": "tandem.dev/v1alpha1",
        "kind": "SpeculativeDeployment",
        "metadata": {"name": "chat", "generation": 1},
    }


def service(**metadata: object) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "chat", **metadata}}


class Scene:
    """A resource and its Service, both known."""

    def __init__(self) -> None:
        self.server = Server()
        self.store = Store()
        self.store.put_resource(self.server.put(resource()))
        self.store.put(self.server.put(service(labels=LABELS)))
        self.absences = Absences(cast(Client, Hands(self.server)), self.store, ())

    def sweep(self) -> set[Key]:
        return asyncio.run(self.absences.sweep())

    def end(self, kind: str) -> None:
        """It is deleted, and no watch says so."""
        del self.server.held[kind, "chat"]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_what_stands_stays(scene: Scene) -> None:
    assert scene.sweep() == set()
    assert scene.store.resource(KEY) is not None
    assert scene.store.object(KEY, "Service", "chat") is not None


def test_a_child_that_ended_unseen_is_forgotten_and_its_resource_looked_at(scene: Scene) -> None:
    scene.end("Service")

    assert scene.sweep() == {KEY}
    assert scene.store.object(KEY, "Service", "chat") is None
    assert scene.sweep() == set()


def test_a_resource_that_ended_unseen_is_forgotten(scene: Scene) -> None:
    scene.end("SpeculativeDeployment")

    assert scene.sweep() == {KEY}
    assert scene.store.resource(KEY) is None


def test_an_object_of_the_name_that_came_since_is_kept(scene: Scene) -> None:
    scene.end("Service")
    fresh = scene.server.put(service(labels=LABELS))
    scene.store.put(fresh)

    assert scene.sweep() == set()
    assert scene.store.object(KEY, "Service", "chat") == fresh


def test_somebody_elses_object_of_a_childs_name_is_no_ghost(scene: Scene) -> None:
    """It has no label, so no listing shows it: it was read by its name."""
    scene.end("Service")
    foreign = scene.server.put(service())
    scene.store.put(foreign, KEY)

    assert scene.sweep() == set()
    assert scene.store.object(KEY, "Service", "chat") == foreign


def test_a_server_that_does_not_answer_ends_nothing(scene: Scene) -> None:
    scene.server.down = True

    with pytest.raises(RetryError):
        scene.sweep()
    assert scene.store.resource(KEY) is not None
