"""One lock Job a namespace for all resources of a pair, on a real API server.

The kubelet alone is not there: the tests say what the lock's pod leaves behind (see `outside`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from hack.cluster.cluster import Cluster
from tandem_runtime.contract import report
from tandem_runtime.contract.report import LockFailure
from tests.cluster.outside.operators import Operators
from tests.cluster.outside.rights import REPOSITORY, install_rights
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

COUNT = 50
COMMIT = "0" * 39 + "1"
PINNED = {
    "target": {"uri": "hf://org/target", "revision": COMMIT},
    "draft": {"uri": "hf://org/draft", "revision": COMMIT},
    "replicas": 0,
}
FIRST = "first"


@pytest.fixture(scope="module")
def plane(new_control_plane: Callable[[], Cluster]) -> Cluster:
    """An API server of its own: the operators here are killed at will."""
    made = new_control_plane()
    made.install_crds(REPOSITORY / "crds")
    return made


@pytest.fixture(scope="module")
def server(plane: Cluster) -> Iterator[Server]:
    made = Server(plane)
    yield made
    made.close()


@pytest.fixture(scope="module")
def installed(plane: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Operators:
    folder = tmp_path_factory.mktemp("operators")
    return Operators(plane, folder, install_rights(plane, folder))


@pytest.fixture
def operators(installed: Operators) -> Iterator[Operators]:
    """One operator leads at the start of each test, and none is left after it.

    They end as a kubelet ends them: a killed one leaves a Lease that the next test waits out.
    """
    installed.start(FIRST)
    yield installed
    for identity in list(installed.running):
        installed.stop(identity)


@pytest.fixture
def new_rooms(plane: Cluster, server: Server) -> Callable[[int], list[Room]]:
    """Rooms of several resources in one fresh namespace."""

    def make(count: int) -> list[Room]:
        name = f"lock-{secrets.token_hex(4)}"
        plane.make_namespace(name)
        return [Room(server, name, f"chat-{number}") for number in range(count)]

    return make


def jobs_made(server: Server, room: Room) -> set[str]:
    """Every Job that any operator ever wrote in the room's namespace."""
    return {
        write.name
        for write in server.writes()
        if write.resource == "jobs" and write.namespace == room.namespace and write.verb != "delete"
    }


def locked(room: Room) -> bool:
    return room.condition("PairCompatible") == ("True", "Equal")


def test_fifty_resources_of_a_pair_run_one_job_and_each_namespace_its_own(
    operators: Operators, server: Server, new_rooms: Callable[[int], list[Room]]
) -> None:
    rooms, (stranger,) = new_rooms(COUNT), new_rooms(1)
    for room in (*rooms, stranger):
        room.create(**PINNED)
    wait("all wait", lambda: all(room.condition("Reconciling") for room in (*rooms, stranger)))
    assert all(room.condition("Reconciling") == ("True", "Locking") for room in rooms)
    assert len(jobs_made(server, rooms[0])) == 1

    rooms[0].end_lock(builders.good())
    wait("all are locked", lambda: all(locked(room) for room in rooms))
    assert len(rooms[0].all_of("controllerrevisions")) == COUNT
    assert len(jobs_made(server, rooms[0])) == 1

    assert stranger.condition("PairCompatible") == ("Unknown", "LockPending")
    assert len(jobs_made(server, stranger)) == 1
    stranger.end_lock(builders.good())
    wait("the other namespace is locked", lambda: locked(stranger))


def test_an_operator_that_starts_knows_jobs_under_way_and_pairs_that_are_locked(
    operators: Operators, server: Server, new_rooms: Callable[[int], list[Room]]
) -> None:
    rooms = new_rooms(4)
    early, late = rooms[:3], rooms[3]
    for room in early:
        room.create(**PINNED)
    wait("all wait", lambda: all(room.condition("Reconciling") for room in early))
    operators.stop(FIRST)
    early[0].end_lock(builders.good())
    operators.start("second")
    wait("all are locked", lambda: all(locked(room) for room in early), timeout_s=60)

    operators.stop("second")
    late.create(**PINNED)
    operators.start("third")
    wait("the late one is locked", lambda: locked(late), timeout_s=60)
    assert len(jobs_made(server, late)) == 1


def test_what_a_pod_says_of_changed_files_is_told_and_ends_with_it(
    operators: Operators, server: Server, new_rooms: Callable[[int], list[Room]]
) -> None:
    (room,) = new_rooms(1)
    room.create(**{**PINNED, "replicas": 1})
    room.end_lock(builders.good())
    wait("an engine pod", lambda: len(room.pods("engine")) == 1)
    (pod,) = room.pods("engine")
    words = report.render(LockFailure("ContentChanged", "draft", "its files are others now"))
    ended = {"exitCode": 1, "reason": "Error", "message": words}
    status = {
        "phase": "Pending",
        "initContainerStatuses": [
            {
                "name": "tandem-fetch",
                "ready": False,
                "restartCount": 1,
                "image": "image",
                "imageID": "image",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": ended},
            }
        ],
    }
    name = pod["metadata"]["name"]
    server.patch("pods", room.namespace, f"{name}/status", {"status": status})

    wait("Stalled", lambda: room.condition("Stalled") == ("True", "ContentChanged"))
    assert "draft: its files are others now" in room.message("Stalled")
    assert room.condition("Ready") == ("False", "WorkloadFailed")

    room.settle(1)
    assert room.condition("Stalled") is None


def test_a_model_in_an_image_is_an_image_volume_of_the_lock_job(
    operators: Operators, new_rooms: Callable[[int], list[Room]]
) -> None:
    """This API server has the feature; one without it drops the volume without a word."""
    reference = "registry.example/models/chat@sha256:" + "a" * 64
    (room,) = new_rooms(1)
    room.create(**{**PINNED, "target": {"uri": f"oci://{reference}"}})

    wait("it is inspected", lambda: room.condition("Reconciling") == ("True", "Locking"))
    (job,) = room.all_of("jobs")
    images = [v["image"] for v in job["spec"]["template"]["spec"]["volumes"] if "image" in v]
    assert [image["reference"] for image in images] == [reference]
