"""Replicas of several pods, beside the real controller of LeaderWorkerSets and its webhooks.

There is no node: the tests say in the kubelet's place that pods run. The sets, their StatefulSets,
the pods and the status are the controllers' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.binaries import MissingProgramError
from hack.cluster.cluster import Cluster
from hack.lws import build, running
from tests.cluster.example_manifests import kinds_taken
from tests.cluster.outside import plane as planes
from tests.cluster.outside.plane import Plane
from tests.cluster.outside.room import Room
from tests.cluster.outside.waiting import wait
from tests.parts import skip_without
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

Object = dict[str, Any]
GROUP: Object = {
    "accelerator": {"resource": "nvidia.com/gpu"},
    "parallelism": {"tensor": 2, "pipeline": 2},
    "speculation": {"method": "DraftModel", "maxTokens": 3, "constrainedOutput": "Allow"},
    "tuning": {"mode": "Fixed"},
}
ALONE: Object = {**GROUP, "accelerator": {"resource": "nvidia.com/gpu", "count": 4}}
EXAMPLES = Path(__file__).parents[2] / "examples" / "several-nodes"


@pytest.fixture(scope="module")
def plane(
    new_control_plane: Callable[[], Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plane]:
    """An operator that leads where LeaderWorkerSets are not served yet."""
    try:
        build.ensure()
    except MissingProgramError as missing:
        skip_without(missing)
    with planes.up(new_control_plane, tmp_path_factory.mktemp("plane")) as made:
        made.lead()
        yield made


@pytest.fixture(scope="module")
def served(plane: Plane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """The controller runs, and what a missing definition hindered went on."""
    folder = tmp_path_factory.mktemp("lws")
    hindered = plane.room()
    hindered.create(**GROUP)
    wait("MissingKind", lambda: hindered.condition("Stalled") == ("True", "MissingKind"))
    message = hindered.message("Stalled")
    assert "spec.parallelism.pipeline: 2" in message
    assert "install LeaderWorkerSet" in message
    assert hindered.all_of("jobs") == []
    running.install(plane.cluster)
    with running.running(plane.cluster, folder):
        wait("the lock", lambda: bool(hindered.all_of("jobs")), 60)
        yield plane


def group(room: Room) -> Object:
    stored = room.get("leaderworkersets", f"{room.name}-group")
    assert stored is not None
    return stored


def start(room: Room, pods: int) -> None:
    """Every pod that is made runs and is ready, until there are so many."""

    def started() -> bool:
        room.start_engines("engine", "worker")
        ready = [pod for role in ("engine", "worker") for pod in room.pods(role)]
        return len(ready) == pods and all(p["status"]["phase"] == "Running" for p in ready)

    wait(f"{pods} pods", started)


def settle(room: Room, pods: int) -> None:
    def settled() -> bool:
        start(room, pods)
        return (
            room.condition("Ready") == ("True", "Serving") and room.condition("Reconciling") is None
        )

    wait("it serves", settled, 60)


def serving(served: Plane, **spec: Any) -> Room:
    room = served.room()
    room.create(**{**GROUP, **spec})
    room.end_lock(builders.good())
    return room


def test_a_missing_definition_is_told_and_found_when_it_comes(served: Plane) -> None:
    assert served.first.leads()


def test_groups_are_made_counted_and_served_by_their_leaders(served: Plane) -> None:
    room = serving(served, replicas=2)
    wait("leaders and workers", lambda: len(room.pods("engine")) == len(room.pods("worker")) == 2)
    assert room.get("deployments") is None
    assert room.condition("Ready") == ("False", "Starting")

    for pod in (*room.pods("engine"), *room.pods("worker")):
        names = [each["name"] for each in pod["spec"]["initContainers"]]
        assert names == ["tandem-fetch"], "every pod verifies the files that it brings"
        main = next(each for each in pod["spec"]["containers"] if each["name"] == "main")
        variables = [each["name"] for each in main["env"]]
        assert {"LWS_LEADER_ADDRESS", "LWS_WORKER_INDEX"} <= set(variables)
        assert "--master-addr=$(LWS_LEADER_ADDRESS)" in main["args"]
    service = room.get("services")
    assert service is not None
    selector = service["spec"]["selector"].items()
    assert all(selector <= pod["metadata"]["labels"].items() for pod in room.pods("engine"))
    assert not any(selector <= pod["metadata"]["labels"].items() for pod in room.pods("worker"))

    room.start_engines("engine")
    wait("leaders run", lambda: all(p["status"]["phase"] == "Running" for p in room.pods("engine")))
    assert room.resource()["status"].get("readyReplicas", 0) == 0, "a group needs all its pods"
    settle(room, 4)
    status = room.resource()["status"]
    assert (status["replicas"], status["readyReplicas"], status["updatedReplicas"]) == (2, 2, 2)
    assert (
        group(room)["metadata"]["ownerReferences"][0]["uid"] == room.resource()["metadata"]["uid"]
    )


@pytest.mark.parametrize("example", ["pipeline", "tensor"])
def test_the_examples_become_groups_of_two_pods(served: Plane, example: str) -> None:
    manifest = yaml.safe_load((EXAMPLES / f"{example}.yaml").read_text())
    room = served.room()
    example = f"several-nodes/{example}.yaml"
    assert "LeaderWorkerSet" in kinds_taken(served.cluster, room.namespace, example)
    room.name = manifest["metadata"]["name"]
    room.create(**{"accelerator": {}, **manifest["spec"]})
    room.end_lock(builders.good())
    name = f"{room.name}-group"
    wait("the set", lambda: room.get("leaderworkersets", name) is not None)
    wait("its pods", lambda: bool(room.pods("engine")) and room.condition("Stalled") is None)
    template = group(room)["spec"]["leaderWorkerTemplate"]
    assert template["size"] == 2
    for each in (template["leaderTemplate"], template["workerTemplate"]):
        limits = each["spec"]["containers"][0]["resources"]["limits"]
        assert limits == {"nvidia.com/gpu": "8"}


def test_a_group_that_serves_is_written_once(served: Plane) -> None:
    room = serving(served)
    settle(room, 2)
    before = group(room)["metadata"]["resourceVersion"]
    generation = group(room)["metadata"]["generation"]
    room.server.patch("specdep", room.namespace, room.name, {"metadata": {"labels": {"a": "b"}}})
    room.edit(tuning={"minTokens": 1})
    wait("the table", lambda: room.condition("Ready") == ("True", "Serving"))
    assert generation == group(room)["metadata"]["generation"] == 1
    assert before == group(room)["metadata"]["resourceVersion"]


def test_a_revision_replaces_whole_groups_one_beside_the_other(served: Plane) -> None:
    room = serving(served)
    settle(room, 2)
    room.edit(engine={"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0", "args": ["--seed=1"]})
    room.end_lock(builders.good())
    wait("a second group", lambda: len(room.pods("engine")) == 2)
    wait("it serves on", lambda: room.condition("Ready") == ("True", "Serving"))

    def of_both() -> bool:
        room.start_engines("engine", "worker")
        leaders = room.pods("engine")
        words = [" ".join(p["spec"]["containers"][0]["args"]) for p in leaders]
        assert any(p["status"]["phase"] == "Running" for p in leaders), "a moment without any"
        return len(leaders) == 1 and "--seed=1" in words[0]

    wait("the new group alone", of_both, 60)
    settle(room, 2)
    workers = room.pods("worker")
    assert all("--seed=1" in w["spec"]["containers"][0]["args"] for w in workers)


def test_a_deployment_gives_way_to_groups_and_takes_over_again(served: Plane) -> None:
    room = served.room()
    room.create(**{**ALONE, "replicas": 2})
    room.end_lock(builders.good())
    room.settle(2)

    room.edit(accelerator={"resource": "nvidia.com/gpu", "count": 2})
    room.end_lock(builders.good())

    def changed(away: str, there: str, name: str) -> Callable[[], bool]:
        def alone() -> bool:
            room.start_engines("engine", "worker")
            ready = [p for p in room.pods("engine") if p["status"]["phase"] == "Running"]
            assert len(ready) >= 2, "fewer than replicas serve"
            assert len(room.pods("engine")) <= 3, "more than the surge"
            gone = room.get(away, name) is None
            return gone and room.condition("Reconciling") is None and len(ready) == 2

        return alone

    wait("groups alone", changed("deployments", "leaderworkersets", "chat"), 90)
    assert group(room)["status"]["readyReplicas"] == 2
    room.edit(accelerator={"resource": "nvidia.com/gpu", "count": 4})
    wait("a Deployment alone", changed("leaderworkersets", "deployments", "chat-group"), 90)
    wait("workers gone", lambda: room.pods("worker") == [])


def test_a_pod_that_cannot_be_made_is_told(served: Plane) -> None:
    room = served.room()
    quota = {"metadata": {"name": "few"}, "spec": {"hard": {"pods": "1"}}}
    room.server.create("resourcequotas", room.namespace, quota)
    room.create(**GROUP)
    room.end_lock(builders.good())
    wait("Stalled", lambda: room.condition("Stalled") == ("True", "InvalidTemplate"), 60)
    assert "exceeded quota" in room.message("Stalled")


def test_a_group_begins_anew_when_a_container_of_it_ends(served: Plane) -> None:
    room = serving(served)
    settle(room, 2)
    (leader,), (worker,) = room.pods("engine"), room.pods("worker")
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-02T03:04:05Z"}}
    state = {"name": "main", "ready": False, "restartCount": 1, "image": "i", "imageID": "i"}
    room.say(
        worker, {**state, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended}
    )
    uids = {leader["metadata"]["uid"], worker["metadata"]["uid"]}

    def anew() -> bool:
        pods = (*room.pods("engine"), *room.pods("worker"))
        return len(pods) == 2 and not uids & {pod["metadata"]["uid"] for pod in pods}

    wait("other pods", anew, 60)
    settle(room, 2)


def test_scale_to_zero_and_the_end_of_the_resource_leave_nothing(served: Plane) -> None:
    room = serving(served)
    settle(room, 2)
    room.scale(0)
    wait("zero", lambda: room.condition("Ready") == ("True", "ScaledToZero"), 60)
    served.cluster.run("delete", "specdep", room.name, f"--namespace={room.namespace}")
    wait("the set goes", lambda: room.get("leaderworkersets", "chat-group") is None, 60)


def test_every_write_was_taken_as_it_was_sent(served: Plane) -> None:
    """Neither the definition nor the webhooks refuse or change what the operator sends."""
    output = served.first.output()
    assert not re.search(r"LeaderWorkerSet \S+ is refused", output)
    assert "changed nothing" not in output
