"""The operator as a process against a real API server and the cluster's own controllers.

The kubelet alone is not there: the tests say what a pod does (see `outside`).
"""

from __future__ import annotations

import pytest

from tests.cluster.outside.operators import Operators
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster


def test_a_pair_is_locked_before_anything_is_started_and_then_served(
    operators: Operators, room: Room
) -> None:
    room.create(replicas=2)
    wait("the lock Job", lambda: bool(room.all_of("jobs")))
    wait("Locking", lambda: room.condition("Reconciling") == ("True", "Locking"))
    assert room.condition("PairCompatible") == ("Unknown", "LockPending")
    assert room.condition("Ready") == ("False", "LockPending")
    assert room.get("deployments") is None

    room.end_lock(builders.good())
    wait("the engine pods", lambda: len(room.pods("engine")) == 2)
    wait("Starting", lambda: room.condition("Ready") == ("False", "Starting"))
    assert room.condition("PairCompatible") == ("True", "Equal")

    room.settle(2)
    resource = room.resource()
    assert resource["status"]["observedGeneration"] == resource["metadata"]["generation"]
    assert room.condition("Stalled") is None
    assert room.condition("Ready") == ("True", "Serving")
    for kind in ("deployments", "services", "controllerrevisions", "configmaps"):
        for child in room.all_of(kind):
            (owner,) = child["metadata"]["ownerReferences"]
            assert (owner["uid"], owner["controller"]) == (resource["metadata"]["uid"], True)
    (revision,) = room.all_of("controllerrevisions")
    (table,) = [raw for raw in room.all_of("configmaps") if "speculation.json" in raw["data"]]
    assert table["metadata"]["labels"]["tandem.dev/lock"] == revision["data"]["lock"]["hash"]
    service = room.get("services")
    assert service is not None
    assert (
        service["spec"]["selector"].items() <= room.pods("engine")[0]["metadata"]["labels"].items()
    )


def test_a_wrong_pair_is_refused_with_its_ids_and_never_starts(
    operators: Operators, server: Server, room: Room
) -> None:
    room.create()
    room.end_lock(builders.wrong())
    wait("Stalled", lambda: room.condition("Stalled") == ("True", "PairRejected"))

    assert room.condition("PairCompatible") == ("False", "IdsDiffer")
    assert room.condition("Ready") == ("False", "PairRejected")
    assert "6001" in room.message("Stalled")
    touched = {write.resource for write in server.writes() if write.namespace == room.namespace}
    assert touched <= {"jobs", "speculativedeployments/status", "events"}
    assert room.pods("engine") == []


def test_a_refused_change_leaves_the_serving_pair_whole_and_scalable(
    operators: Operators, room: Room
) -> None:
    room.serve(builders.good())
    before = room.get("deployments")
    pods = {pod["metadata"]["uid"] for pod in room.pods("engine")}
    room.edit(draft={"uri": "hf://org/another"})
    room.end_lock(builders.wrong())
    wait("Stalled", lambda: room.condition("Stalled") == ("True", "PairRejected"))

    after = room.get("deployments")
    assert before is not None
    assert after is not None
    assert after["spec"] == before["spec"]
    assert room.condition("Ready") == ("True", "Serving")

    room.scale(2)
    wait("a second engine pod", lambda: len(room.pods("engine")) == 2)
    room.start_engines()
    wait("both ready", lambda: room.resource()["status"]["readyReplicas"] == 2)
    assert pods < {pod["metadata"]["uid"] for pod in room.pods("engine")}
    after = room.get("deployments")
    assert after is not None
    assert after["spec"]["template"] == before["spec"]["template"]
    assert room.condition("Stalled") == ("True", "PairRejected")


def test_scaling_moves_replicas_and_nothing_else(operators: Operators, room: Room) -> None:
    room.serve(builders.good())
    before = room.versions()
    deployment = room.get("deployments")
    for replicas in (3, 1):
        room.scale(replicas)
        room.settle(replicas)

    after, scaled = room.versions(), room.get("deployments")
    assert deployment is not None
    assert scaled is not None
    assert scaled["spec"] == deployment["spec"]
    stays = [name for name in before if not name.startswith(("deployments/", "poddis", "pods/"))]
    assert {name: after[name] for name in stays} == {name: before[name] for name in stays}
    assert after.keys() - before.keys() <= {name for name in after if name.startswith("pods/")}


def test_a_foreign_service_of_the_name_is_told_and_never_touched(
    operators: Operators, server: Server, room: Room
) -> None:
    foreign = {"metadata": {"name": room.name}, "spec": {"ports": [{"port": 80}]}}
    made = server.create("services", room.namespace, foreign)
    room.create()
    room.end_lock(builders.good())
    wait("the conflict", lambda: room.condition("Stalled") == ("True", "NameConflict"))

    assert "Service chat" in room.message("Stalled")
    assert room.get("services") == made

    server.delete("services", room.namespace, room.name)
    room.settle(1, timeout_s=60)
    assert room.condition("Stalled") is None


def test_a_deleted_resource_takes_its_children_with_it(
    operators: Operators, server: Server, room: Room
) -> None:
    room.serve(builders.good())
    server.delete("specdep", room.namespace, room.name)

    wait("nothing is left", lambda: room.versions() == {})
    wait("nothing is left", lambda: room.all_of("replicasets") == [])


def test_a_child_that_somebody_deletes_comes_back(
    operators: Operators, server: Server, room: Room
) -> None:
    room.serve(builders.good())
    for kind in ("services", "deployments"):
        existing = room.get(kind)
        assert existing is not None
        server.delete(kind, room.namespace, room.name)

        def another(kind: str = kind, uid: str = existing["metadata"]["uid"]) -> bool:
            existing = room.get(kind)
            return existing is not None and existing["metadata"]["uid"] != uid

        wait(f"another of {kind}", another)
    room.settle(1)


def test_a_selector_that_somebody_narrows_is_put_back(
    operators: Operators, server: Server, room: Room
) -> None:
    room.serve(builders.good(), replicas=2)
    theirs = {
        "services": {"selector": {"app": "theirs"}},
        "poddisruptionbudgets": {"selector": {"matchLabels": {"app": "theirs"}}},
    }
    for kind, change in theirs.items():
        before = room.get(kind)
        assert before is not None
        server.patch(kind, room.namespace, room.name, {"spec": change})

        def again(kind: str = kind, selector: object = before["spec"]["selector"]) -> bool:
            existing = room.get(kind)
            return existing is not None and existing["spec"]["selector"] == selector

        wait(f"the selector of {kind}", again)


def test_a_field_that_somebody_keeps_changing_is_left_to_them_and_told(
    operators: Operators, server: Server, room: Room
) -> None:
    room.serve(builders.good())

    theirs = [{"name": "http", "port": 80, "targetPort": 9999}]

    def ours() -> bool:
        service = room.get("services")
        assert service is not None
        return bool(service["spec"]["ports"][0]["targetPort"] != 9999)

    for _ in range(4):
        wait("the operator's port stands", ours)
        server.patch("services", room.namespace, room.name, {"spec": {"ports": theirs}})

    def messages() -> list[str]:
        events = server.all_of("events", room.namespace, label=None)
        return [each["note"] for each in events if each["reason"] == "FieldContested"]

    wait("an Event", lambda: bool(messages()))
    assert len(messages()) == 1
    assert "Service chat: python-httpx keeps changing what the operator owns" in messages()[0]
    assert 'spec.ports[80].targetPort: wanted "http", is 9999' in messages()[0]
    assert not ours()

    room.scale(2)
    room.settle(2)
    assert not ours()
    # Another leader would begin the fight again, in the midst of another test.
    server.delete("specdep", room.namespace, room.name)
