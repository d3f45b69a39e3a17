"""Flux's own controllers: the Kustomization of deploy/ is done when the pair serves, not before.

Its source alone is another: an artifact in a registry here, where users have a Git repository.
There is no node: the tests say in the kubelet's place that pods run.
"""

from __future__ import annotations

import json
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.binaries import MissingProgramError
from hack.cluster.cluster import Cluster
from hack.flux import build, running
from hack.gitops import health, manifests
from hack.registry import server as registry
from tests.cluster.outside import plane as planes
from tests.cluster.outside.plane import Plane
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import CHILDREN
from tests.cluster.outside.waiting import wait
from tests.parts import skip_without
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

Object = dict[str, Any]
ENOUGH_S = 60.0
HANDLED = "lastHandledReconcileAt"


@dataclass
class Delivery:
    """One Kustomization, and the artifact that it takes its manifests from."""

    plane: Plane
    room: Room
    registry: str
    folder: Path

    @property
    def name(self) -> str:
        return self.room.namespace

    def push(self, **spec: Any) -> None:
        """A new version of what is served, and Flux is asked to reconcile."""
        manifest = builders.resource({"accelerator": {"resource": "None"}, **spec})
        manifest["metadata"] = {"name": self.room.name}
        del manifest["status"]
        self._push(manifest)

    def push_nothing(self) -> None:
        """A version without the resource; an empty folder would be a fault of its own."""
        self._push({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "left"}})

    def _push(self, manifest: Object) -> None:
        file = self.folder / "chat.yaml"
        file.write_text(yaml.safe_dump(manifest))
        layer = self.folder / "layer.tar.gz"
        with tarfile.open(layer, "w:gz") as archive:
            archive.add(file, "production/chat.yaml")
        crane = [str(registry.ensure()), "append", "--insecure", "--new_layer", str(layer)]
        tag = f"{self.registry}/{self.name}:latest"
        subprocess.run([*crane, "--new_tag", tag], check=True, capture_output=True)
        self.reconcile()

    def apply(self) -> None:
        """The source and the Kustomization of deploy/, for this room."""
        source = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "OCIRepository",
            "metadata": {"name": self.name, "namespace": manifests.SYSTEM},
            "spec": {
                "interval": "10m",
                "url": f"oci://{self.registry}/{self.name}",
                "ref": {"tag": "latest"},
                "insecure": True,
            },
        }
        kustomization = health.kustomization()
        kustomization["metadata"]["name"] = self.name
        kustomization["spec"]["sourceRef"] = {"kind": "OCIRepository", "name": self.name}
        kustomization["spec"]["targetNamespace"] = self.room.namespace
        self.plane.cluster.apply("\n---\n".join(map(json.dumps, (source, kustomization))))

    def reconcile(self) -> str:
        """What `flux reconcile` does; the moment that the status tells once it is done."""
        moment = str(time.time())
        for kind in ("ocirepository", "kustomization"):
            words = ("annotate", "--overwrite", kind, "--all", f"--namespace={manifests.SYSTEM}")
            self.plane.cluster.run(*words, f"reconcile.fluxcd.io/requestedAt={moment}")
        return moment

    def status(self) -> Object:
        words = ("get", "kustomization", self.name, f"--namespace={manifests.SYSTEM}", "-o", "json")
        return dict(json.loads(self.plane.cluster.run(*words)).get("status", {}))

    def ready(self) -> tuple[str, str, str]:
        """Status, reason and message of the Kustomization's Ready."""
        for each in self.status().get("conditions", []):
            if each["type"] == "Ready":
                return each["status"], each["reason"], each["message"]
        return "", "", ""


@pytest.fixture(scope="module")
def plane(
    new_control_plane: Callable[[], Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plane]:
    """An operator that leads, beside Flux's controllers."""
    try:
        build.ensure()
        registry.ensure()
    except MissingProgramError as missing:
        skip_without(missing)
    folder = tmp_path_factory.mktemp("flux")
    with planes.up(new_control_plane, folder) as made, running.running(made.cluster, folder):
        made.lead()
        yield made


@pytest.fixture
def delivery(plane: Plane, tmp_path: Path) -> Iterator[Delivery]:
    with registry.serving("127.0.0.1", tmp_path) as host:
        yield Delivery(plane, plane.room(), host, tmp_path)


def draft_of(room: Room) -> str:
    return str(room.resource()["spec"]["draft"]["uri"])


def test_it_is_done_when_the_pair_serves_and_fails_within_seconds_of_a_refusal(
    delivery: Delivery,
) -> None:
    room = delivery.room
    delivery.push()
    delivery.apply()
    wait("the pair is applied", lambda: room.get("specdep") is not None, ENOUGH_S)
    room.end_lock(builders.good())
    wait("an engine pod", lambda: bool(room.pods("engine")))
    assert delivery.ready()[0] == "Unknown", "nothing serves yet"

    room.settle(1)
    wait("Flux has seen it", lambda: delivery.ready()[0] == "True", ENOUGH_S)

    delivery.push(draft={"uri": "hf://org/other"})
    wait("the new draft is applied", lambda: draft_of(room) == "hf://org/other", ENOUGH_S)
    assert delivery.ready()[0] == "Unknown", "the old pair serves, the new one does not yet"
    room.end_lock(builders.wrong())
    failed = ("False", "HealthCheckFailed")  # and in progress again while it tries again
    wait("it has failed", lambda: delivery.ready()[:2] == failed, ENOUGH_S)
    assert room.condition("Ready") == ("True", "Serving")
    delivery.push()
    wait("the former pair again", lambda: delivery.ready()[0] == "True", ENOUGH_S)


def desired(room: Room) -> Object:
    """What each object should be, by its UID. Jobs are left out: they go when they have ended."""
    kinds = [kind for kind in CHILDREN if kind != "jobs"]
    objects = [room.resource(), *(each for kind in kinds for each in room.all_of(kind))]
    return {
        each["metadata"]["uid"]: (each["metadata"].get("generation"), each.get("data"))
        for each in objects
    }


def test_nothing_that_the_operator_writes_is_undone_and_what_is_left_out_is_removed(
    delivery: Delivery,
) -> None:
    room = delivery.room
    delivery.push()
    delivery.apply()
    wait("the pair is applied", lambda: room.get("specdep") is not None, ENOUGH_S)
    room.end_lock(builders.good())
    room.settle(1)
    wait("Flux has seen it", lambda: delivery.ready()[0] == "True", ENOUGH_S)
    before = desired(room)

    moment = delivery.reconcile()
    wait("it reconciled", lambda: delivery.status().get(HANDLED) == moment, ENOUGH_S)
    assert desired(room) == before

    delivery.push_nothing()
    wait("it is removed", lambda: room.get("specdep") is None, ENOUGH_S)
