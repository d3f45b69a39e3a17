"""The lock Job as clusters run it: what it waits for, what ends it, when it is tried again."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.planning import Asked, Reference
from tandem_runtime.contract import report as pair_report
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World


@pytest.fixture
def world() -> World:
    """A resource whose lock Job was made."""
    made = World()
    made.settle()
    return made


def lock_pod(world: World, *containers: Object, name: str = "lock-pod", **status: Any) -> Object:
    """A pod of the Job, as its kubelet describes it."""
    job = world.only("Job")
    return world.add(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "ownerReferences": [
                    {"kind": "Job", "uid": job["metadata"]["uid"], "controller": True}
                ],
            },
            "status": {"phase": "Pending", "containerStatuses": list(containers), **status},
        }
    )


def container(name: str = "tandem-lock", **state: Object) -> Object:
    return {"name": name, "state": state}


def ended(code: int, message: str = "", reason: str = "Error") -> Object:
    return {"exitCode": code, "reason": reason, "message": message}


RUNNING = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}


def test_a_job_without_a_pod_says_where_to_look_then_what_its_event_says(world: World) -> None:
    plan = world.settle()

    name = world.only("Job")["metadata"]["name"]
    assert f"{name} has no pod: see kubectl describe job {name}" in world.message("Reconciling")
    uid = world.only("Job")["metadata"]["uid"]
    assert plan.ask == (Asked(Reference("batch/v1", "Job", name), uid),)

    world.warnings[uid] = "FailedCreate: exceeded quota: gpus"
    world.settle()
    assert f"{name} has no pod: FailedCreate: exceeded quota" in world.message("Reconciling")


def test_a_suspended_job_is_told_as_one(world: World) -> None:
    world.only("Job")["spec"]["suspend"] = True

    world.settle()

    assert "is suspended (spec.suspend: true)" in world.message("Reconciling")


@pytest.mark.parametrize(
    ("containers", "status", "words"),
    [
        (
            [container(waiting={"reason": "ImagePullBackOff", "message": "no such image: x"})],
            {},
            "container tandem-lock: ImagePullBackOff: no such image: x",
        ),
        (
            [],
            {
                "initContainerStatuses": [
                    {
                        "name": "istio-init",
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                        "lastState": {"terminated": ended(1, "iptables: permission error")},
                    }
                ]
            },
            "container istio-init: CrashLoopBackOff: Error (exit code 1): iptables: permission",
        ),
        (
            [],
            {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": "claim models is in use by another pod",
                    }
                ]
            },
            "waits for a node: claim models is in use by another pod",
        ),
        (
            [container(waiting={"reason": "ContainerCreating"})],
            {},
            "the lock pod lock-pod has not started: see kubectl describe pod lock-pod",
        ),
        ([container(**RUNNING)], {"phase": "Running"}, "the lock Job inspects the pair"),
        (
            [container(terminated=ended(0))],
            {"phase": "Running"},
            "the lock Job takes up what its pod left",
        ),
    ],
)
def test_what_a_lock_pod_waits_for_is_told(
    world: World, containers: list[Object], status: Object, words: str
) -> None:
    lock_pod(world, *containers, **status)

    world.settle()

    assert world.condition("Reconciling") == ("True", "Locking")
    assert words in world.message("Reconciling")


def test_a_pod_that_was_taken_away_is_told_and_no_failure(world: World) -> None:
    (rule, _) = world.only("Job")["spec"]["podFailurePolicy"]["rules"]
    assert rule["action"] == "Ignore"
    assert rule["onPodConditions"] == [{"type": "DisruptionTarget", "status": "True"}]

    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
    lock_pod(world, container(terminated=ended(137)), phase="Failed", conditions=[disrupted])
    world.settle()

    assert world.condition("Stalled") is None
    assert "taken away by PreemptionByScheduler" in world.message("Reconciling")


def test_the_end_of_the_lock_counts_beside_a_sidecar_that_never_ends(world: World) -> None:
    message = pair_report.render(builders.not_found())
    sidecar = container("istio-proxy", **RUNNING)
    lock_pod(world, sidecar, container(terminated=ended(1, message)), phase="Running")

    world.settle()

    assert world.condition("Stalled") == ("True", "ModelNotFound")


def test_a_lock_that_crashed_beside_a_sidecar_is_told_and_tried_again(world: World) -> None:
    first = world.only("Job")["metadata"]["uid"]
    killed = container(terminated=ended(137, reason="OOMKilled"))
    lock_pod(world, container("istio-proxy", **RUNNING), killed, phase="Running")
    world.settle()
    assert world.condition("Stalled") == ("True", "LockFailed")
    assert "OOMKilled (exit code 137" in world.message("Stalled")

    world.pass_time(600)
    world.settle()
    assert world.only("Job")["metadata"]["uid"] != first


def test_a_crash_that_the_job_tries_again_is_no_failure_yet(world: World) -> None:
    message = pair_report.render(builders.not_found())
    lock_pod(world, container(terminated=ended(1, message)), phase="Failed")

    world.settle()

    assert world.condition("Reconciling") == ("True", "Locking")
    assert "the lock pod before: hf://org/draft does not exist" in world.message("Reconciling")


def test_a_good_report_beside_a_sidecar_serves_and_its_job_leaves_a_minute_later(
    world: World,
) -> None:
    message = pair_report.render(builders.good())
    sidecar = container("istio-proxy", **RUNNING)
    lock_pod(world, sidecar, container(terminated=ended(0, message)), phase="Running")

    world.settle()
    assert world.all_of("Deployment") and world.all_of("Job")

    world.pass_time(60)
    world.settle()
    assert not world.all_of("Job")


def test_a_missed_deadline_keeps_what_the_job_waited_for(world: World) -> None:
    world.warnings[world.only("Job")["metadata"]["uid"]] = "FailedCreate: exceeded quota: gpus"
    world.settle()
    world.only("Job")["status"] = {
        "conditions": [
            {
                "type": "Failed",
                "status": "True",
                "reason": "DeadlineExceeded",
                "message": "Job was active longer than specified deadline",
            }
        ]
    }

    world.settle()

    assert world.condition("Stalled") == ("True", "LockFailed")
    for words in ("DeadlineExceeded", "exceeded quota: gpus"):
        assert words in world.message("Stalled")


@pytest.mark.parametrize("stamp", ["2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z"])
def test_a_failed_job_is_tried_again_ten_minutes_after_it_was_seen(
    world: World, stamp: str
) -> None:
    first = world.only("Job")["metadata"]["uid"]
    world.lock_ends(builders.not_found())
    world.only("Job")["status"]["conditions"][0]["lastTransitionTime"] = stamp

    world.settle()
    world.pass_time(599)
    world.settle()
    assert world.only("Job")["metadata"]["uid"] == first

    world.pass_time(1)
    world.settle()
    assert world.only("Job")["metadata"]["uid"] != first
    assert world.condition("Stalled") == ("True", "ModelNotFound"), (
        "until the next one has inspected"
    )
