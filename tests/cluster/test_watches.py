"""An operator that leads hears: whatever comes late, goes, or is refused, the rest is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from tests.cluster.outside.operators import Operators, Process
from tests.cluster.outside.rights import install_rights
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

CRDS = Path(__file__).parents[2] / "crds"
WATCHED_AGAIN_S = 30.0


@pytest.fixture
def server(control_plane: Cluster) -> Iterator[Server]:
    made = Server(control_plane)
    yield made
    made.close()


@pytest.fixture
def everywhere(control_plane: Cluster, tmp_path: Path) -> Iterator[Operators]:
    """Operators that may watch all namespaces; none is started."""
    made = Operators(control_plane, tmp_path, install_rights(control_plane, tmp_path))
    yield made
    made.end()


@pytest.fixture
def scoped(control_plane: Cluster, tmp_path: Path) -> Iterator[Operators]:
    """Operators with Roles in `one` and `two` alone; none is started."""
    control_plane.install_crds(CRDS)
    for name in ("one", "two"):
        control_plane.make_namespace(name)
    values = ("--set=watchNamespaces={one,two}",)
    made = Operators(control_plane, tmp_path, install_rights(control_plane, tmp_path, values))
    made.extra["TANDEM_WATCH_NAMESPACES"] = "one,two"
    yield made
    made.end()


def room_in(server: Server, cluster: Cluster, name: str) -> Room:
    cluster.make_namespace(name)
    return Room(server, name)


def refused(process: Process) -> set[str]:
    """Namespaces of which a watch is refused, as the metrics tell."""
    matches = re.findall(
        r'^tandem_operator_watch_refused\{.*namespace="(\w*)"\} 1.0$', process.metrics(), re.M
    )
    return set(matches)


def test_a_definition_that_comes_after_the_operator_is_watched_within_half_a_minute(
    control_plane: Cluster, server: Server, everywhere: Operators
) -> None:
    process = everywhere.launch("early")
    wait("it is healthy", process.healthy)
    wait("it tells what it lacks", lambda: refused(process) == {""})
    assert not process.is_ready()
    assert not process.leads()

    control_plane.install_crds(CRDS)
    wait("it leads", process.leads, WATCHED_AGAIN_S)
    room = room_in(server, control_plane, "late")
    room.serve(builders.good())
    assert process.is_ready()
    wait("all is watched", lambda: refused(process) == set(), 15)


def test_a_definition_that_is_made_anew_is_watched_again(
    control_plane: Cluster, server: Server, everywhere: Operators
) -> None:
    control_plane.install_crds(CRDS)
    process = everywhere.start("first")
    wait("it leads", process.leads)
    room = room_in(server, control_plane, "again")
    room.serve(builders.good())

    control_plane.run("delete", "-f", str(CRDS), "--wait=true", timeout_s=90)
    control_plane.install_crds(CRDS)
    wait("its objects are gone", lambda: not room.all_of("deployments"), 60)
    room.create()
    wait("a lock Job", lambda: bool(room.all_of("jobs")), WATCHED_AGAIN_S)
    assert process.child.poll() is None
    assert process.is_ready()


def test_a_watched_namespace_that_goes_and_comes_back_holds_no_other_up(
    control_plane: Cluster, server: Server, scoped: Operators
) -> None:
    process = scoped.start("first")
    wait("it leads", process.leads)
    one = Room(server, "one")
    one.serve(builders.good())
    control_plane.run("delete", "namespace", "two", "--wait=true", timeout_s=90)

    scoped.stop("first")
    process = scoped.start("second")
    wait("it leads", process.leads, 40)
    wait("it tells of the other", lambda: refused(process) == {"two"})
    assert process.is_ready()
    assert process.healthy()
    one.scale(2)
    one.settle(2)

    # Its Role comes back with it, as a pipeline or a person brings it.
    control_plane.make_namespace("two")
    for kind in ("role", "rolebinding"):
        control_plane.run("create", "-f", "-", stdin=copied(control_plane, kind))
    two = Room(server, "two")
    two.create()
    wait("a lock Job", lambda: bool(two.all_of("jobs")), WATCHED_AGAIN_S)
    wait("all is watched", lambda: refused(process) == set(), 15)


def test_a_kind_that_may_not_be_watched_in_one_namespace_is_told_there_and_nothing_is_done(
    control_plane: Cluster, server: Server, scoped: Operators
) -> None:
    process = scoped.start("first")
    wait("it leads", process.leads)
    two = Room(server, "two")
    two.serve(builders.good())
    scoped.stop("first")
    # A Role that lost its right to watch Deployments: they seem to be absent.
    rules = control_plane.run("get", "role", "tandem", "--namespace=two", "-o", "json")
    control_plane.run("replace", "-f", "-", stdin=rules.replace('"deployments"', '"daemonsets"'))

    before = two.versions()
    process = scoped.start("second")
    wait("it leads", process.leads, 40)
    wait("Stalled", lambda: two.condition("Stalled") == ("True", "WatchRefused"))
    assert 'cannot list resource "deployments"' in two.message("Stalled")
    assert two.versions() == before
    one = Room(server, "one")
    one.serve(builders.good())

    control_plane.run("replace", "-f", "-", stdin=copied(control_plane, "role"))
    wait("nothing is told", lambda: two.condition("Stalled") is None, WATCHED_AGAIN_S)
    assert two.condition("Ready") == ("True", "Serving")
    assert two.versions() == before


def copied(cluster: Cluster, kind: str) -> str:
    """The operator's Role or RoleBinding of `one` as it is to be in `two`."""
    output = cluster.run("get", kind, "tandem", "--namespace=one", "-o", "yaml")
    kept = [line for line in output.splitlines() if not re.match(r"  (uid|resourceV|creat)", line)]
    return "\n".join(kept).replace("namespace: one", "namespace: two", 1)
