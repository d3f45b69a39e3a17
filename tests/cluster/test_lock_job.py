"""The lock Job as clusters run it: held back, beside sidecars, taken away, under other clocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from tandem_runtime.contract import report as pair_report
from tandem_runtime.contract.report import LockFailure, PairReport
from tests.cluster.outside.admission import LABEL, Object, Webhook
from tests.cluster.outside.operators import Operators
from tests.cluster.outside.rights import install_rights
from tests.cluster.outside.room import Room, container
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

CRDS = Path(__file__).parents[2] / "crds"
TOLD_S = 30.0
AHEAD_S = 900
RUNNING = {"running": {"startedAt": "2026-01-02T03:04:00Z"}}


def ended(outcome: PairReport | LockFailure | None, code: int) -> Object:
    """How the lock's container ended; None: it left no report."""
    message = {} if outcome is None else {"message": pair_report.render(outcome)}
    finished = {"exitCode": code, "reason": "Error", "finishedAt": "2026-01-02T03:04:05Z"}
    return container("tandem-lock", {"terminated": {**finished, **message}})


def lock_pod(room: Room) -> Object:
    """The pod of the lock Job that nothing was said about yet."""

    def fresh() -> list[Object]:
        return [pod for pod in room.pods("lock") if pod["status"]["phase"] == "Pending"]

    wait("a lock pod", lambda: bool(fresh()))
    return fresh()[0]


@pytest.fixture
def suspended(
    shared_control_plane: Cluster, new_room: Callable[[], Room], tmp_path: Path
) -> Iterator[Room]:
    """A namespace in which every new Job is suspended, as a queue does."""

    def suspend(job: Object) -> None:
        job["spec"]["suspend"] = True

    hook = Webhook(shared_control_plane, tmp_path / "hook", suspend)
    hook.install("queue", "batch", "jobs", "CREATE")
    room = new_room()
    shared_control_plane.run("label", "namespace", room.namespace, f"{LABEL}=queue")
    yield room
    hook.end()


def test_a_quota_that_admits_no_pod_is_told_in_its_own_words_and_waited_for(
    operators: Operators, server: Server, room: Room
) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}}
    server.create("resourcequotas", room.namespace, quota)
    room.create()

    wait("it is told", lambda: "exceeded quota" in room.message("Reconciling"), TOLD_S)
    assert "has no pod: FailedCreate" in room.message("Reconciling")
    assert "kubectl describe job" in room.message("Reconciling") or "pods=" in room.message(
        "Reconciling"
    )
    assert room.condition("Stalled") is None

    server.delete("resourcequotas", room.namespace, "none")
    wait("a lock pod", lambda: bool(room.pods("lock")), timeout_s=90)
    room.end_lock(builders.good())
    room.settle(1)


def test_a_suspended_job_is_told_and_left_to_its_queue(
    operators: Operators, server: Server, suspended: Room
) -> None:
    suspended.create()
    wait("it is told", lambda: "is suspended" in suspended.message("Reconciling"), TOLD_S)
    (job,) = suspended.all_of("jobs")
    assert job["spec"]["suspend"] is True

    server.patch("jobs", suspended.namespace, job["metadata"]["name"], {"spec": {"suspend": False}})
    suspended.end_lock(builders.good())
    suspended.settle(1)


def test_an_image_that_cannot_be_pulled_is_told_with_the_kubelets_words(
    operators: Operators, room: Room
) -> None:
    room.create()
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "runtime:1"'}
    room.say(lock_pod(room), container("tandem-lock", {"waiting": waiting}), phase="Pending")

    wait("it is told", lambda: "ImagePullBackOff" in room.message("Reconciling"), TOLD_S)
    assert 'Back-off pulling image "runtime:1"' in room.message("Reconciling")


@pytest.mark.parametrize("code", [1, 3])
def test_a_failure_counts_as_soon_as_the_container_ended_beside_a_sidecar(
    operators: Operators, room: Room, code: int
) -> None:
    room.create()
    proxy = container("istio-proxy", RUNNING)
    room.say(lock_pod(room), proxy, ended(builders.not_found(), code), phase="Running")

    wait("it is told", lambda: room.condition("Stalled") == ("True", "ModelNotFound"), TOLD_S)


def test_a_good_report_counts_beside_a_sidecar_and_its_job_is_removed(
    operators: Operators, room: Room
) -> None:
    room.create()
    proxy = container("istio-proxy", RUNNING)
    room.say(lock_pod(room), proxy, ended(builders.good(), 0), phase="Running")

    wait("engine pods", lambda: bool(room.pods("engine")), TOLD_S)
    wait("the Job is gone", lambda: room.all_of("jobs") == [], timeout_s=90)


def test_pods_that_are_taken_away_are_no_failures(operators: Operators, room: Room) -> None:
    """More of them than the Job would try again."""
    room.create()
    for _ in range(5):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        target = {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "PreemptionByScheduler",
            "lastTransitionTime": now,
        }
        room.say(lock_pod(room), ended(None, 137), phase="Failed", conditions=[target])

        def is_reported() -> bool:
            return "taken away by PreemptionByScheduler" in room.message("Reconciling")

        wait("it is told", is_reported, TOLD_S)
    assert room.condition("Stalled") is None
    (job,) = room.all_of("jobs")
    assert not job["status"].get("failed")

    # The Job's next pod comes after a back-off that grows with each that was lost.
    wait("one more pod", lambda: bool(lock_pod_or_none(room)), timeout_s=120)
    room.end_lock(builders.good())
    room.settle(1)


def lock_pod_or_none(room: Room) -> Object | None:
    return next((pod for pod in room.pods("lock") if pod["status"]["phase"] == "Pending"), None)


def test_under_a_clock_that_is_ahead_a_failed_lock_is_not_tried_again_at_once(
    control_plane: Cluster, tmp_path: Path
) -> None:
    control_plane.install_crds(CRDS)
    (tmp_path / "ahead").mkdir()
    # Python runs a module of this name as it starts.
    (tmp_path / "ahead" / "sitecustomize.py").write_text(
        f"import time\nreal = time.time\ntime.time = lambda: real() + {AHEAD_S}\n"
    )
    server = Server(control_plane)
    operators = Operators(control_plane, tmp_path, install_rights(control_plane, tmp_path))
    operators.extra["PYTHONPATH"] = str(tmp_path / "ahead")
    try:
        operators.start("ahead")
        control_plane.make_namespace("one")
        room = Room(server, "one")
        room.create()
        room.end_lock(builders.not_found())
        wait("it is told", lambda: room.condition("Stalled") == ("True", "ModelNotFound"))
        time.sleep(10)
        made = [each for each in server.writes() if each.resource == "jobs"]
        assert [each.verb for each in made] == ["patch"]
    finally:
        operators.end()
        server.close()
