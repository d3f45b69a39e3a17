"""What was there before: children without owners, and annotations that somebody takes away."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hack.cluster.cluster import Cluster
from tests.cluster.outside.admission import Object
from tests.cluster.outside.operators import FIRST, Operators
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import CHILDREN, Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

NEWER = "registry.example/tandem-runtime:0.2.0"
KINDS: dict[str, Object] = {
    "deployments": {"apiVersion": "apps/v1", "kind": "Deployment"},
    "controllerrevisions": {"apiVersion": "apps/v1", "kind": "ControllerRevision"},
    "jobs": {"apiVersion": "batch/v1", "kind": "Job"},
    "services": {"apiVersion": "v1", "kind": "Service"},
    "configmaps": {"apiVersion": "v1", "kind": "ConfigMap"},
    "poddisruptionbudgets": {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"},
}
OF_THE_CLUSTER = (
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
    "namespace",
)


def engine_uids(room: Room) -> set[str]:
    return {pod["metadata"]["uid"] for pod in room.pods("engine")}


def owners(room: Room) -> set[str]:
    return {
        owner["uid"]
        for kind in CHILDREN
        for raw in room.all_of(kind)
        for owner in raw["metadata"].get("ownerReferences", [{"uid": "nobody"}])
    }


def bare(raw: Object) -> Object:
    """The object as a backup holds it: without its owner and what the cluster gave it."""
    kept = {key: value for key, value in raw.items() if key != "status"}
    kept["metadata"] = {
        key: value for key, value in raw["metadata"].items() if key not in OF_THE_CLUSTER
    }
    for field in ("clusterIP", "clusterIPs"):
        kept.get("spec", {}).pop(field, None)
    return kept


@pytest.fixture
def serving(shared_control_plane: Cluster, operators: Operators, room: Room) -> Room:
    """A pair with two replicas, its lock Job gone; the operator would remove it after a minute."""
    room.serve(builders.good(), replicas=2)
    remove_lock_job(shared_control_plane, room)
    return room


def remove_lock_job(cluster: Cluster, room: Room) -> None:
    cluster.run("delete", "jobs", "--all", f"--namespace={room.namespace}")
    wait("the lock Job is gone", lambda: room.all_of("jobs") == [])


def test_a_resource_that_is_made_anew_takes_up_its_serving_pods(
    shared_control_plane: Cluster, server: Server, serving: Room
) -> None:
    pods, before = engine_uids(serving), serving.resource()["metadata"]["uid"]
    where = f"--namespace={serving.namespace}"
    shared_control_plane.run("delete", "specdep", serving.name, where, "--cascade=orphan")
    wait("nobody owns the children", lambda: before not in owners(serving))

    serving.create(replicas=2)
    serving.settle(2)

    uid = serving.resource()["metadata"]["uid"]
    wait("all is taken up", lambda: owners(serving) == {uid})
    assert engine_uids(serving) == pods
    assert serving.all_of("jobs") == [], "the pair is locked already"
    assert serving.condition("PairCompatible") == ("True", "Equal")


def test_a_backup_without_owners_is_taken_up_in_another_namespace(
    shared_control_plane: Cluster, server: Server, serving: Room, new_room: Callable[[], Room]
) -> None:
    """Restored by kubectl: the data of a revision is compared byte by byte, as Go writes JSON."""
    moved = new_room()
    for kind in CHILDREN:
        for raw in serving.all_of(kind):
            kept = {**KINDS[kind], **bare(raw)}
            kept["metadata"]["namespace"] = moved.namespace
            shared_control_plane.apply(json.dumps(kept))
    wait("the restored pods", lambda: len(moved.pods("engine")) == 2)
    moved.start_engines()
    pods = engine_uids(moved)

    server.create("specdep", moved.namespace, bare(serving.resource()))
    moved.settle(2)

    uid = moved.resource()["metadata"]["uid"]
    wait("all is taken up", lambda: owners(moved) == {uid})
    assert engine_uids(moved) == pods
    assert moved.all_of("jobs") == []


def test_what_another_controls_is_never_taken_up(
    shared_control_plane: Cluster, server: Server, serving: Room
) -> None:
    where = f"--namespace={serving.namespace}"
    shared_control_plane.run("delete", "specdep", serving.name, where, "--cascade=orphan")
    deployment = serving.get("deployments")
    assert deployment is not None
    (revision, *_) = serving.all_of("controllerrevisions")
    # Any object that exists may stand for another controller; the garbage collector leaves it.
    other = {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "name": revision["metadata"]["name"],
        "uid": revision["metadata"]["uid"],
        "controller": True,
    }
    change = {"metadata": {"ownerReferences": [other]}}
    wait("it is an orphan", lambda: "nobody" in owners(serving))
    server.patch("deployments", serving.namespace, serving.name, change)

    serving.create(replicas=2)

    wait("it is told", lambda: serving.condition("Stalled") == ("True", "NameConflict"))
    after = serving.get("deployments")
    assert after is not None
    assert after["spec"] == deployment["spec"]
    assert [owner["kind"] for owner in after["metadata"]["ownerReferences"]] == [
        "ControllerRevision"
    ]


def test_a_refresh_that_is_taken_away_rolls_nothing(
    shared_control_plane: Cluster, operators: Operators, server: Server, serving: Room
) -> None:
    operators.stop(FIRST)
    operators.extra["TANDEM_RUNTIME_IMAGE"] = NEWER
    try:
        wait("it leads again", operators.start(FIRST).leads, timeout_s=40)

        def annotate(value: str | None) -> None:
            change = {"metadata": {"annotations": {"tandem.dev/refresh": value}}}
            server.patch("specdep", serving.namespace, serving.name, change)

        annotate("1")
        serving.end_lock(builders.good())
        wait("a rollout begins", lambda: serving.condition("Reconciling") is not None)
        serving.settle(2, timeout_s=60)
        wait("the old pods are gone", lambda: len(serving.pods("engine")) == 2)
        pods, versions = engine_uids(serving), serving.get("deployments")
        remove_lock_job(shared_control_plane, serving)

        annotate(None)
        # Another edit that the operator answers comes after the annotation's event.
        serving.edit(tuning={"maxTokens": 1})
        wait(
            "the edit is seen",
            lambda: (
                serving.resource()["status"]["observedGeneration"]
                == serving.resource()["metadata"]["generation"]
            ),
        )

        assert engine_uids(serving) == pods
        assert serving.all_of("jobs") == []
        after = serving.get("deployments")
        assert versions is not None and after is not None
        assert after["spec"] == versions["spec"]
        assert after["spec"]["template"]["spec"]["initContainers"][0]["image"] == NEWER
    finally:
        del operators.extra["TANDEM_RUNTIME_IMAGE"]
        operators.stop(FIRST)
        wait("it leads again", operators.start(FIRST).leads, timeout_s=40)
