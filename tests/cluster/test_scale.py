"""What a resource may cost the API server, as counts: they hold on any machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.control_plane.audit import Write
from hack.scale import pair
from tests.cluster.outside.operators import FIRST, Operators
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

RESOURCES = 20
MOST_WRITES = 7
MOST_EVENTS = 2


def writes_in(server: Server, namespace: str) -> list[Write]:
    return [each for each in server.writes() if each.namespace == namespace]


def serves(server: Server, namespace: str, name: str) -> bool:
    room = Room(server, namespace, name)
    room.start_engines()
    return room.condition("Ready") == ("True", "Serving") and room.condition("Reconciling") is None


def test_resources_of_a_known_pair_take_few_writes_and_none_when_idle_or_at_a_restart(
    operators: Operators,
    shared_control_plane: Cluster,
    server: Server,
    new_room: Callable[[], Room],
) -> None:
    room = new_room()
    sources = {key: pair.resource("-")["spec"][key] for key in ("target", "draft")}
    target = builders.side(pair.TARGET[0], revision=pair.TARGET[1])
    draft = builders.side(pair.DRAFT[0], revision=pair.DRAFT[1])
    room.serve(builders.good(target=target, draft=draft), **sources)
    # The operator would remove it after a minute, which `test_lock_job.py` waits for.
    shared_control_plane.run("delete", "jobs", "--all", f"--namespace={room.namespace}")
    wait("the Job is gone", lambda: room.all_of("jobs") == [])
    before = len(writes_in(server, room.namespace))

    names = [f"r{number}" for number in range(RESOURCES)]
    for name in names:
        Room(server, room.namespace, name).create(**sources)
    wait(
        "all serve",
        lambda: all(serves(server, room.namespace, name) for name in names),
        timeout_s=120,
    )

    made = writes_in(server, room.namespace)[before:]
    events = [each for each in made if each.resource == "events"]
    assert len(made) - len(events) <= MOST_WRITES * RESOURCES
    assert len(events) <= MOST_EVENTS * RESOURCES
    assert not [each for each in made if each.resource == "pods"]

    operators.stop(FIRST)
    wait("it leads again", operators.start(FIRST).leads, timeout_s=60)
    page = operators.running[FIRST].metrics
    wait("it has reconciled all", lambda: "tandem_operator_queue_length 0.0" in page())
    assert writes_in(server, room.namespace)[before:] == made
