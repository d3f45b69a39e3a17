"""Why an engine died stands in the conditions, also while its container or a successor starts."""

from __future__ import annotations

import pytest

from tests.cluster.outside.admission import Object
from tests.cluster.outside.operators import Operators
from tests.cluster.outside.room import Room, container
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

pytestmark = pytest.mark.cluster

TOLD_S = 15.0
TIMES = {"startedAt": "2026-01-02T03:00:00Z", "finishedAt": "2026-01-02T03:04:05Z"}
NOT_READY = {"conditions": [{"type": "Ready", "status": "False"}], "phase": "Running"}


@pytest.fixture
def starting(operators: Operators, room: Room) -> Room:
    """A locked pair whose one engine pod was made."""
    room.create()
    room.end_lock(builders.good())
    wait("an engine pod", lambda: bool(room.pods("engine")))
    return room


def wait_for_words(room: Room, words: str) -> None:
    for kind in ("Ready", "Reconciling"):
        wait(f"{kind} tells: {words}", lambda kind=kind: words in room.message(kind), TOLD_S)  # type: ignore[misc]


def test_a_kill_for_memory_is_told_until_the_engine_is_ready(starting: Room) -> None:
    (pod,) = starting.pods("engine")
    killed: Object = {"exitCode": 137, "reason": "OOMKilled", **TIMES}
    last = {"lastState": {"terminated": killed}, "restartCount": 3}
    backoff = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}
    running = {"running": {"startedAt": "2026-01-02T03:05:00Z"}}

    starting.say(pod, container("main", {"terminated": killed}), **NOT_READY)
    wait_for_words(starting, "container main ended: OOMKilled (exit code 137")
    starting.say(pod, container("main", backoff, **last), **NOT_READY)
    wait_for_words(starting, "waits: CrashLoopBackOff: container main ended: OOMKilled")
    starting.say(pod, container("main", running, **last), **NOT_READY)
    wait_for_words(starting, "starts again: container main ended: OOMKilled")


def test_the_last_lines_of_the_engine_are_told(starting: Room) -> None:
    deployment = starting.get("deployments")
    assert deployment is not None
    for each in deployment["spec"]["template"]["spec"]["containers"]:
        assert each["terminationMessagePolicy"] == "FallbackToLogsOnError"

    log = "RuntimeError: CUDA driver version is insufficient for CUDA runtime version\nexiting"
    failed = {"exitCode": 1, "reason": "Error", "message": log, **TIMES}
    (pod,) = starting.pods("engine")
    starting.say(pod, container("main", {"terminated": failed}), **NOT_READY)

    wait_for_words(
        starting, "Error (exit code 1): RuntimeError: CUDA driver version is insufficient"
    )
    wait_for_words(starting, "update the driver")


def test_a_pod_that_the_kubelet_refused_speaks_for_its_successor(starting: Room) -> None:
    (pod,) = starting.pods("engine")
    words = "Allocate failed due to no healthy devices present: nvidia.com/gpu"

    starting.say(pod, phase="Failed", reason="UnexpectedAdmissionError", message=words)
    wait("a successor", lambda: len(starting.pods("engine")) == 2)

    wait_for_words(starting, f"UnexpectedAdmissionError: {words}")
    starting.start_engines()
    wait("it serves", lambda: starting.condition("Ready") == ("True", "Serving"))
    wait("and nothing is told", lambda: words not in starting.message("Reconciling"))
