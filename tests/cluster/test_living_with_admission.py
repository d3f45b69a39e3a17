"""What admission makes of the operator's writes stands; what it demands is there."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from tests.cluster.outside.admission import LABEL, Object, Webhook, demand
from tests.cluster.outside.operators import FIRST, Operators
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

QUIET_S = 12.0
MIRROR = "mirror.example/"
KINDS = (
    ("", "pods"),
    ("", "services"),
    ("", "configmaps"),
    ("apps", "deployments"),
    ("apps", "controllerrevisions"),
    ("batch", "jobs"),
    ("policy", "poddisruptionbudgets"),
)


def rewrite(raw: Object) -> None:
    """A mirror, a pull policy, requests of the limits, a sidecar and a label, as clusters have."""
    raw["metadata"].setdefault("labels", {})["cost"] = "unknown"
    pod = raw["spec"]["template"]["spec"]
    for container in [*pod["initContainers"], *pod["containers"]]:
        container["imagePullPolicy"] = "Always"
        if not container["image"].startswith(MIRROR):
            container["image"] = MIRROR + container["image"]
        limits = container.get("resources", {}).get("limits")
        if limits:
            container["resources"]["requests"] = dict(limits)
    if not any(container["name"] == "proxy" for container in pod["containers"]):
        pod["containers"].append({"name": "proxy", "image": MIRROR + "proxy:1"})


@pytest.fixture
def labelled(shared_control_plane: Cluster, new_room: Callable[[], Room]) -> Callable[..., Room]:
    """One more namespace with a label."""

    def make(value: str, label: str = LABEL) -> Room:
        room = new_room()
        shared_control_plane.run("label", "namespace", room.namespace, f"{label}={value}")
        return room

    return make


@pytest.fixture
def mirror(shared_control_plane: Cluster, tmp_path: Path) -> Iterator[None]:
    made = Webhook(shared_control_plane, tmp_path / "hook", rewrite)
    made.install("mirror", "apps", "deployments")
    yield
    made.end()


def event_records(server: Server, room: Room, reason: str) -> list[str]:
    events = server.all_of("events", room.namespace, label=None)
    return [str(each["note"]) for each in events if each["reason"] == reason]


def test_what_a_webhook_makes_of_a_write_stands_and_is_told_once(
    operators: Operators, server: Server, mirror: None, labelled: Callable[..., Room]
) -> None:
    room = labelled("mirror")

    def rewritten() -> bool:
        deployment = room.get("deployments")
        return deployment is not None and "proxy" in str(deployment["spec"]["template"])

    room.create(replicas=2)
    room.end_lock(builders.good())
    wait("the webhook's Deployment", rewritten)
    room.settle(2)
    assert room.resource()["status"].get("candidate") is None

    wait("an Event", lambda: bool(event_records(server, room, "ChangedByAdmission")))
    (event_record,) = event_records(server, room, "ChangedByAdmission")
    assert "Deployment chat" in event_record
    assert 'wanted "registry.example/tandem-runtime:0.1.0", is "mirror.example/' in event_record

    wait("the lock Job is gone", lambda: room.all_of("jobs") == [], timeout_s=90)
    before, written = room.versions(), len(server.writes())
    time.sleep(QUIET_S)
    operators.kill(FIRST)
    wait("it leads again", operators.start(FIRST).leads, timeout_s=40)
    time.sleep(QUIET_S)
    assert room.versions() == before
    ours = [each for each in server.writes()[written:] if each.namespace == room.namespace]
    assert ours == []
    assert event_records(server, room, "FieldContested") == []


def test_a_wish_of_the_users_goes_through_the_webhook_and_what_another_changes_is_put_back(
    operators: Operators, server: Server, mirror: None, labelled: Callable[..., Room]
) -> None:
    room = labelled("mirror")
    room.serve(builders.good())
    room.scale(3)
    room.settle(3)

    def replicas() -> int:
        deployment = room.get("deployments")
        assert deployment is not None
        return int(deployment["spec"]["replicas"])

    for _ in range(4):
        wait("the resource's replicas stand", lambda: replicas() == 3)
        server.patch("deployments", room.namespace, room.name, {"spec": {"replicas": 1}})
    wait("the fight is told", lambda: bool(event_records(server, room, "FieldContested")))

    (event_record,) = event_records(server, room, "FieldContested")
    assert "spec.replicas: wanted 3, is 1" in event_record
    assert "image" not in event_record, "what admission made is no part of the fight"
    server.delete("specdep", room.namespace, room.name)


def test_labels_that_are_demanded_of_every_object_are_the_templates(
    operators: Operators,
    shared_control_plane: Cluster,
    labelled: Callable[..., Room],
) -> None:
    for group, resource in KINDS:
        # Others make objects of their own here: the namespace's root certificates.
        mine = "!('tandem.dev/deployment' in object.metadata.?labels.orValue({}))"
        team = "'team' in object.metadata.?labels.orValue({})"
        demand(shared_control_plane, "team", group, resource, f"{mine} || {team}")
    room = labelled("team")

    room.serve(builders.good(), replicas=2, template={"metadata": {"labels": {"team": "ml"}}})

    for kind in ("deployments", "services", "configmaps", "controllerrevisions"):
        assert {raw["metadata"]["labels"]["team"] for raw in room.all_of(kind)} == {"ml"}


def test_a_label_for_every_child_rolls_no_pod(operators: Operators, room: Room) -> None:
    room.serve(builders.good(), replicas=2)
    pods = {pod["metadata"]["uid"] for pod in room.pods("engine")}

    room.edit(commonMetadata={"labels": {"team": "ml"}, "annotations": {"cost": "1"}})

    def is_kept() -> bool:
        children = [*room.all_of("deployments"), *room.all_of("services")]
        return all(
            raw["metadata"]["labels"].get("team") == "ml"
            and raw["metadata"]["annotations"].get("cost") == "1"
            for raw in children
        )

    wait("the label and the annotation", is_kept)
    room.settle(2)
    assert {pod["metadata"]["uid"] for pod in room.pods("engine")} == pods


def test_a_namespace_gives_its_own_user_ids(
    operators: Operators, shared_control_plane: Cluster, labelled: Callable[..., Room]
) -> None:
    ids = "object.spec.containers.all(c, c.?securityContext.?runAsUser.orValue(1000000000) >= "
    demand(shared_control_plane, "uid-range", "", "pods", f"{ids}1000000000)")

    room = labelled("uid-range")
    room.create()

    wait("a lock pod", lambda: bool(room.pods("lock")))


def test_the_restricted_profile_admits_every_pod_where_the_engine_needs_no_root(
    operators: Operators, labelled: Callable[..., Room]
) -> None:
    enforce = "pod-security.kubernetes.io/enforce"
    root, other = labelled("restricted", enforce), labelled("restricted", enforce)
    no_root = {"spec": {"securityContext": {"runAsNonRoot": True, "runAsUser": 2000}}}

    other.serve(builders.good(), template=no_root)

    root.create()
    root.end_lock(builders.good())
    wait("the refusal", lambda: root.condition("Stalled") == ("True", "InvalidTemplate"))
    assert "runAsNonRoot != true" in root.message("Stalled")
    assert "spec.template.spec.securityContext" in root.message("Stalled")
