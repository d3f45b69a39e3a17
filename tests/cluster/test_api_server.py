"""An API server that is slow, that cuts every connection, and that restarts in the middle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.processes import start, stop
from hack.cluster.state import load
from tests.cluster.outside import plane as planes
from tests.cluster.outside.plane import Plane
from tests.cluster.outside.proxy import Proxy
from tests.cluster.outside.server import Server
from tests.cluster.outside.versions import Versions
from tests.cluster.outside.waiting import wait
from tests.cluster.outside.webhooks import BadWebhook
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

SLOW_S = 0.1


@pytest.fixture
def plane(new_control_plane: Callable[[], Cluster], tmp_path: Path) -> Iterator[Plane]:
    with planes.up(new_control_plane, tmp_path) as made:
        yield made


@pytest.fixture
def slow(plane: Plane) -> Iterator[Proxy]:
    """What the operator sends takes 100 ms longer, each time."""
    made = Proxy(int(plane.cluster.url.rsplit(":", 1)[1]), SLOW_S)
    made.put_before(plane.operators.kubeconfig, plane.cluster.url)
    yield made
    made.end()


def restart(cluster: Cluster) -> None:
    """The API server ends and comes back, as in an upgrade of the control plane."""
    state = load(cluster.name)
    assert state is not None
    (process,) = [each for each in state.processes if each.name == "kube-apiserver"]
    words = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    stop(process)
    rest = tuple(each for each in state.processes if each is not process)
    start(type(state)(state.name, state.owner, state.network, rest), "kube-apiserver", words)


def answers(server: Server) -> bool:
    try:
        server.all_of("pods", "default")
    except Exception:  # noqa: BLE001 (it is down, or not quite up, in any of many ways)
        return False
    return True


def test_a_slow_api_server_changes_no_outcome(plane: Plane, slow: Proxy) -> None:
    process = plane.lead()
    room = plane.room()
    room.serve(builders.good(), replicas=2)
    before = room.resource()
    versions = Versions(plane.cluster, room.namespace, before["metadata"]["resourceVersion"])
    room.edit(engine={"type": "vLLM", "image": "vllm/vllm-openai:v0.33.0"})
    slow.cut()
    room.end_lock(builders.good())
    wait("new pods", lambda: len(room.pods("engine")) == 3)
    assert versions.current() == []
    room.settle(2, 60)
    versions.stop()

    down = plane.room(webhook="down")
    with BadWebhook(plane.cluster, "down", "batch", "jobs"):
        down.create()
        wait("it is told", lambda: "failed calling webhook" in down.message("Reconciling"), 60)
    wait("it goes on", lambda: bool(down.all_of("jobs")), 60)
    assert process.is_ready()


def test_an_api_server_that_restarts_in_the_middle_is_made_up_for(plane: Plane) -> None:
    process = plane.lead()
    room = plane.room()
    room.serve(builders.good())
    pods = {pod["metadata"]["uid"] for pod in room.pods("engine")}
    room.edit(engine={"type": "vLLM", "image": "vllm/vllm-openai:v0.33.0"})
    wait("the lock Job", lambda: len(room.all_of("jobs")) >= 1)

    restart(plane.cluster)
    wait("the API server", lambda: answers(plane.server), 60)
    if process.child.poll() is not None:  # it lost its Lease: a kubelet starts it again
        plane.lead("second")
    room.end_lock(builders.good())
    wait("a new pod beside the old", lambda: len(room.pods("engine")) == 2, 90)
    assert pods < {pod["metadata"]["uid"] for pod in room.pods("engine")}
    room.settle(1, 90)
