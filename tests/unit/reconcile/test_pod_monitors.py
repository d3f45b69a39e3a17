"""A kind that a cluster need not serve: found when it comes, and read again every few minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from tandem_operator.cluster.kinds import POD_MONITOR, Kind
from tandem_operator.cluster.store import Key, Store
from tandem_operator.reconcile.pod_monitors import PodMonitors
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RetryError
from tests.unit.reconcile.world import KEY, NAMESPACE, Hands, Object, Server

LABELS = {"tandem.dev/deployment": "chat"}


class Scene:
    """A cluster with one resource, whose PodMonitors are listed on demand."""

    def __init__(self, namespaces: Sequence[str] = ()) -> None:
        self.server = Server()
        self.store = Store()
        self.resource = self.server.put(resource())
        self.store.put_resource(self.resource)
        client = cast(Client, Hands(self.server))
        self.monitors = PodMonitors(client, self.store, namespaces)

    def refresh(self) -> set[Key]:
        return asyncio.run(self.monitors.refresh())

    def stored(self) -> list[Object]:
        return list(self.store.objects(KEY))


def resource() -> Object:
    return {
        "apiVersion": "tandem.dev/v1alpha1",
        "kind": "SpeculativeDeployment",
        "metadata": {"name": "chat", "generation": 1},
    }


def monitor(path: str = "/metrics") -> Object:
    return {
        "apiVersion": POD_MONITOR.api_version,
        "kind": POD_MONITOR.kind,
        "metadata": {"name": "chat", "labels": LABELS},
        "spec": {"path": path},
    }


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_every_resource_is_reconciled_when_the_kind_comes_and_when_it_goes(scene: Scene) -> None:
    refreshed = []
    for served in (set[Kind](), {POD_MONITOR}, {POD_MONITOR}, set[Kind]()):
        scene.server.served = served
        refreshed.append((scene.refresh(), scene.monitors.served))

    assert refreshed == [(set(), False), ({KEY}, True), (set(), True), ({KEY}, False)]


def test_a_refresh_sees_what_stands_what_changed_and_what_is_gone(scene: Scene) -> None:
    scene.server.served = {POD_MONITOR}
    scene.refresh()

    existing = scene.server.put(monitor())
    assert scene.refresh() == {KEY}
    assert scene.stored() == [existing]
    assert scene.refresh() == set()

    changed = scene.server.put(monitor("/other"))
    assert scene.refresh() == {KEY}
    assert scene.stored() == [changed]

    scene.server.remove(POD_MONITOR.kind, "chat", existing["metadata"]["uid"])
    assert scene.refresh() == {KEY}
    assert scene.stored() == []


@pytest.mark.parametrize(("namespace", "expected"), [(NAMESPACE, 1), ("elsewhere", 0)])
def test_only_the_watched_namespaces_are_listed(namespace: str, expected: int) -> None:
    scene = Scene([namespace])
    scene.server.served = {POD_MONITOR}
    scene.server.put(monitor())
    scene.refresh()

    assert len(scene.stored()) == expected


def test_what_was_known_stays_while_the_server_is_down(scene: Scene) -> None:
    scene.server.served = {POD_MONITOR}
    existing = scene.server.put(monitor())
    scene.refresh()
    scene.server.down = True

    with pytest.raises(RetryError):
        scene.refresh()

    assert scene.monitors.served
    assert scene.stored() == [existing]
