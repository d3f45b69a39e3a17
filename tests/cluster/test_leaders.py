"""Which of several operators acts, and what they do when all is settled."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from tandem_operator.planning.prune import JOB_KEPT_S
from tests.cluster.outside.operators import FIRST, Operators
from tests.cluster.outside.rights import LEASE, SYSTEM_NAMESPACE, kubeconfig_of
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster


QUIET_S = 20.0
POD_MONITORS = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: podmonitors.monitoring.coreos.com}
spec:
  group: monitoring.coreos.com
  scope: Namespaced
  names: {kind: PodMonitor, plural: podmonitors, singular: podmonitor, listKind: PodMonitorList}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


def test_a_killed_operator_comes_back_and_changes_nothing(
    operators: Operators, server: Server, room: Room, new_room: Callable[[], Room]
) -> None:
    room.serve(builders.good(), replicas=2)
    before, written = room.versions(), len(server.writes())
    operators.kill(FIRST)
    late = new_room()
    late.create()
    assert late.resource()["status"]["observedGeneration"] == -1

    wait_lead(operators.start(FIRST).leads)

    late.end_lock(builders.good())
    late.settle(1)
    assert room.versions() == before
    new = server.writes()[written:]
    assert {write.namespace for write in new} == {late.namespace}


def test_a_standby_is_ready_writes_nothing_and_takes_over(
    operators: Operators, server: Server, room: Room
) -> None:
    room.serve(builders.good())
    standby = operators.start("second")
    assert not standby.leads()
    room.scale(2)
    room.settle(2)
    # Of two pods of about the same age the ReplicaSet's controller ends either.
    pods = {name for name in room.versions() if name.startswith("pods/")}
    assert not standby.leads()
    assert "tandem_operator_writes_total{" not in standby.metrics()

    operators.kill(FIRST)
    room.scale(1)
    wait_lead(standby.leads)
    room.settle(1)
    assert pods > {name for name in room.versions() if name.startswith("pods/")}
    lease = server.get("leases", SYSTEM_NAMESPACE, LEASE)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == "second"

    # A stop hands over without the wait for the Lease's end.
    operators.start(FIRST)
    assert operators.stop("second") == 0
    assert wait_lead(operators.running[FIRST].leads) < 8


def test_pod_monitors_are_made_where_the_cluster_serves_them(
    operators: Operators,
    shared_control_plane: Cluster,
    room: Room,
    new_room: Callable[[], Room],
) -> None:
    """And the cluster may stop to serve them while the operator runs."""
    room.serve(builders.good())
    shared_control_plane.apply(POD_MONITORS)
    shared_control_plane.run(
        "wait", "--for=condition=Established", "crd/podmonitors.monitoring.coreos.com"
    )
    try:
        operators.kill(FIRST)
        operators.start(FIRST)
        wait("a PodMonitor", lambda: bool(room.all_of("podmonitors")))

        (made,) = room.all_of("podmonitors")
        resource = room.resource()
        assert made["metadata"]["ownerReferences"][0]["uid"] == resource["metadata"]["uid"]
        (service,) = room.all_of("services")
        assert made["spec"]["selector"]["matchLabels"] == service["spec"]["selector"]
    finally:
        shared_control_plane.run("delete", "crd", "podmonitors.monitoring.coreos.com")

    after = new_room()
    after.serve(builders.good())


def test_an_operator_without_rights_is_not_ready_and_says_which(
    operators: Operators, tmp_path: Path
) -> None:
    """The right may come at any moment; until then it is of no use, and says so."""
    operators.cluster.run("create", "namespace", "nobody")
    operators.cluster.run("create", "serviceaccount", "nobody", "--namespace=nobody")
    stranger = Operators(
        operators.cluster, tmp_path, kubeconfig_of(operators.cluster, tmp_path, "nobody", "nobody")
    )

    process = stranger.launch("stranger")
    words = 'cannot list resource "speculativedeployments"'
    try:
        wait("it says what it lacks", lambda: words in process.output(), 60)
        assert not process.is_ready()
        assert not process.leads()
        assert process.healthy()
    finally:
        stranger.end()


def test_settled_resources_cause_no_writes(
    operators: Operators, server: Server, new_room: Callable[[], Room]
) -> None:
    serving, refused = new_room(), new_room()
    serving.serve(builders.good(), replicas=2)
    refused.create()
    refused.end_lock(builders.wrong())
    wait("Stalled", lambda: refused.condition("Stalled") == ("True", "PairRejected"))
    last = time.monotonic()
    count = len(server.writes())

    def quiet() -> bool:
        nonlocal last, count
        if (now := len(server.writes())) != count:
            last, count = time.monotonic(), now
        return time.monotonic() - last >= QUIET_S

    # Jobs of earlier tests end their time meanwhile.
    wait(f"{QUIET_S:.0f} s without a write", quiet, timeout_s=JOB_KEPT_S + 2 * QUIET_S)
    lease = server.get("leases", SYSTEM_NAMESPACE, LEASE)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == FIRST


def wait_lead(leads: Callable[[], bool]) -> float:
    return wait("it leads", leads, timeout_s=40)
