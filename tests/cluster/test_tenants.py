"""Many tenants on one operator: status is true, what fails is told, and nobody waits for others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hack.cluster.cluster import Cluster
from tests.cluster.outside import plane as planes
from tests.cluster.outside.operators import Operators
from tests.cluster.outside.plane import Plane
from tests.cluster.outside.rights import install_rights
from tests.cluster.outside.room import Room
from tests.cluster.outside.versions import Versions
from tests.cluster.outside.waiting import wait
from tests.cluster.outside.webhooks import BadWebhook
from tests.unit.planning import builders, kstatus

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def plane(
    new_control_plane: Callable[[], Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plane]:
    with planes.up(new_control_plane, tmp_path_factory.mktemp("tenants")) as made:
        made.lead()
        yield made


def message_of(room: Room) -> str:
    """Every condition, whatever generation it is about."""
    conditions = room.resource().get("status", {}).get("conditions", [])
    return " ".join(f"{each['type']} {each['reason']}: {each['message']}" for each in conditions)


def flap(room: Room, ready: bool) -> None:
    """The kubelet says of the one engine pod that it is ready, or not."""
    (pod,) = room.pods("engine")
    status = "True" if ready else "False"
    conditions = [
        {"type": kind, "status": status, "lastTransitionTime": "2026-01-02T03:04:05Z"}
        for kind in ("ContainersReady", "Ready")
    ]
    name = f"{pod['metadata']['name']}/status"
    room.server.patch("pods", room.namespace, name, {"status": {"conditions": conditions}})


@pytest.mark.parametrize(
    "change",
    [
        {"engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.33.0"}},
        {"draft": {"uri": "hf://org/another"}},
    ],
    ids=["image", "pair"],
)
def test_no_version_reads_as_current_before_the_pods_of_a_change_are_ready(
    plane: Plane, change: dict[str, object]
) -> None:
    room = plane.room()
    room.serve(builders.good(), replicas=2)
    before = room.resource()
    assert kstatus.current(before)
    versions = Versions(plane.cluster, room.namespace, before["metadata"]["resourceVersion"])
    room.edit(**change)
    draft = builders.side(room.resource()["spec"]["draft"]["uri"], revision="0" * 39 + "2")
    room.end_lock(builders.good(draft=draft))
    wait("new pods", lambda: len(room.pods("engine")) == 3)
    wait("RollingOut", lambda: room.condition("Reconciling") == ("True", "RollingOut"))
    assert versions.current() == [], "they are not ready yet"

    room.settle(2)
    wait("it is seen", lambda: bool(versions.current()))
    rolled = versions.now()
    versions.stop()
    assert [kstatus.current(each) for each in rolled].index(True) >= len(rolled) - 2


@pytest.mark.parametrize(
    ("name", "group", "resource"),
    [("no-job", "batch", "jobs"), ("no-pods", "apps", "deployments"), ("no-pdb", "", "services")],
)
def test_a_webhook_that_is_down_is_told_in_its_words_and_forgotten_when_it_is_back(
    plane: Plane, name: str, group: str, resource: str
) -> None:
    room = plane.room(webhook=name)
    with BadWebhook(plane.cluster, name, group, resource):
        room.create()
        if resource != "jobs":
            room.end_lock(builders.good())
        wait("it is told", lambda: "failed calling webhook" in message_of(room), 60)
        assert room.condition("Reconciling") == ("True", "Retrying")
        assert room.resource()["status"]["observedGeneration"] == 1
        if resource != "jobs":
            assert "before the pair is locked" not in message_of(room)

    wait("it goes on", lambda: bool(room.all_of(resource)), 60)
    if resource == "jobs":
        room.end_lock(builders.good())
    room.settle(1)
    assert "webhook" not in message_of(room)


def test_slow_admission_of_one_tenant_does_not_hold_up_another(plane: Plane) -> None:
    slow = plane.room(webhook="slow")
    with BadWebhook(plane.cluster, "slow", "batch", "jobs", silent=9):
        for number in range(40):
            Room(plane.server, slow.namespace, f"slow-{number}").create()
        other = plane.room()
        other.create()
        took_s = wait("a Job of the other", lambda: bool(other.all_of("jobs")))
        plane.cluster.run("delete", "specdep", "--all", f"--namespace={slow.namespace}")
    assert took_s < 5


def test_a_pod_that_flaps_makes_few_events_and_one_status_a_second(plane: Plane) -> None:
    room = plane.room()
    room.serve(builders.good())
    events = len(plane.server.all_of("events", room.namespace, label=None))
    before = len(plane.server.writes())
    for turn in range(60):
        flap(room, ready=turn % 2 == 1)
    wait("right in the end", lambda: room.condition("Ready") == ("True", "Serving"))

    wrote = [each for each in plane.server.writes()[before:] if each.namespace == room.namespace]
    made = len(plane.server.all_of("events", room.namespace, label=None)) - events
    assert made <= 10
    statuses = [each for each in wrote if each.resource == "speculativedeployments/status"]
    assert len(statuses) <= 30


def test_a_namespace_that_goes_is_left_in_peace(plane: Plane) -> None:
    room = plane.room()
    rooms = [Room(plane.server, room.namespace, f"m{number}") for number in range(4)]
    for each in rooms:
        each.create()
    wait("their Jobs", lambda: len(room.all_of("jobs")) >= 1)
    before = len(plane.server.writes())
    lines = len(plane.first.output().splitlines())
    plane.cluster.run("delete", "namespace", room.namespace, "--wait=true", timeout_s=120)

    wrote = [each for each in plane.server.writes()[before:] if each.namespace == room.namespace]
    assert sum(not each.accepted for each in wrote) <= 8
    lines_after = plane.first.output().splitlines()[lines:]
    assert not [line for line in lines_after if "Traceback" in line or " ERROR " in line]


def reasons(plane: Plane, namespace: str) -> set[str]:
    """Of all Events in the namespace."""
    return {each["reason"] for each in plane.server.all_of("events", namespace, label=None)}


def test_of_two_installations_one_yields_and_says_so(plane: Plane) -> None:
    room = plane.room()
    room.serve(builders.good())
    folder = plane.folder / "two"
    folder.mkdir()
    rights = install_rights(plane.cluster, folder, system="tandem-two")
    others = Operators(plane.cluster, folder, rights)
    others.extra["TANDEM_NAMESPACE"] = "tandem-two"
    second = others.start("second")
    try:
        wait("it yields", lambda: "yielded_resources 0.0" not in second.metrics(), 60)
        wait("it says so", lambda: "leaves it alone" in second.output())
        # It may have asked about other resources first.
        wait("it yields this one", lambda: "ManagedElsewhere" in reasons(plane, room.namespace))
        assert room.resource()["status"]["managedBy"] == "tandem-system/tandem"
        room.scale(2)
        room.settle(2)
    finally:
        others.end()
