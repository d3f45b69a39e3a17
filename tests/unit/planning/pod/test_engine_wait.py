"""Why an engine is not ready: its own last words, its kubelet's, the scheduler's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

KILLED = {"exitCode": 137, "reason": "OOMKilled"}
RUNNING = {"running": {"startedAt": "2026-01-02T03:04:05Z"}}


@pytest.fixture
def world() -> World:
    """A locked resource with one pod that is not ready."""
    made = World()
    made.settle()
    made.lock_ends(builders.good())
    made.settle()
    made.roll_out(ready=0)
    return made


def says(world: World, **status: Any) -> str:
    """What Ready says when the pod's status is this."""
    (pod,) = world.engine_pods()
    pod["status"] = {"phase": "Running", **status}
    world.settle()
    assert world.condition("Ready") == ("False", "Starting")
    assert world.message("Reconciling").endswith(world.message("Ready"))
    return world.message("Ready")


def main(state: Object, last: Object | None = None, **fields: Any) -> list[Object]:
    return [
        {
            "name": "main",
            "ready": False,
            "state": state,
            "lastState": {} if last is None else {"terminated": last},
            **fields,
        }
    ]


@pytest.mark.parametrize(
    ("state", "last"),
    [
        ({"terminated": KILLED}, None),
        ({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}, KILLED),
        (RUNNING, KILLED),
    ],
)
def test_a_reason_survives_the_restart_of_its_container(
    world: World, state: Object, last: Object | None
) -> None:
    words = says(world, containerStatuses=main(state, last))

    assert "container main ended: OOMKilled (exit code 137; its memory limit" in words


def test_an_engine_that_ends_without_an_error_is_told_too(world: World) -> None:
    ended = {"terminated": {"exitCode": 0, "reason": "Completed"}}

    assert "container main ended: Completed (exit code 0)" in says(
        world, containerStatuses=main(ended)
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [(1, "exit code 1)"), (139, "exit code 139, SIGSEGV)"), (143, "exit code 143, SIGTERM)")],
)
def test_an_exit_code_is_told_with_its_signal(world: World, code: int, expected: str) -> None:
    assert expected in says(
        world, containerStatuses=main({"terminated": {"exitCode": code, "reason": "Error"}})
    )


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        (
            "INFO starting\n"
            "RuntimeError: The NVIDIA driver on your system is too old (found version 12020).\n"
            "RuntimeError: Engine core initialization failed. See root cause above.",
            "found version 12020). (the image needs a newer driver than the node has",
        ),
        (
            "CUDA error: no kernel image is available for execution on the device",
            "the image was not built for this device",
        ),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "smaller draft"),
        (
            "Failed to initialize NVML: Driver/library version mismatch\nTraceback",
            "restart the node",
        ),
        (
            "ValueError: max_model_len is too large\n  at line 3\nRuntimeError: Engine core "
            "initialization failed. See root cause above.\nbye",
            "Error (exit code 1): ValueError: max_model_len is too large",
        ),
        ("only these words", "(exit code 1): only these words"),
    ],
)
def test_the_line_that_tells_most_of_a_log_is_told(world: World, log: str, expected: str) -> None:
    ended = {"exitCode": 1, "reason": "Error", "message": log}

    assert expected in says(world, containerStatuses=main(RUNNING, ended))


def test_what_keeps_a_container_from_being_made_is_told(world: World) -> None:
    waiting = {
        "reason": "CreateContainerError",
        "message": "nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8",
    }

    words = says(world, containerStatuses=main({"waiting": waiting}))

    assert "CreateContainerError: nvidia-container-cli" in words
    assert "needs a newer driver" in words


@pytest.mark.parametrize(
    "status",
    [
        {
            "reason": "UnexpectedAdmissionError",
            "message": "Allocate failed: no healthy devices present: nvidia.com/gpu",
        },
        {"reason": "Evicted", "message": "The node was low on resource: memory"},
        {
            "conditions": [
                {
                    "type": "DisruptionTarget",
                    "status": "True",
                    "reason": "PreemptionByScheduler",
                    "message": "preempted to make room",
                }
            ]
        },
    ],
)
def test_a_pod_that_failed_as_a_whole_speaks_for_its_successor(
    world: World, status: Object
) -> None:
    (first,) = world.engine_pods()
    first["status"] = {"phase": "Failed", **status}
    world.pass_time(5)
    second = world.engine_pod(
        world.only("ReplicaSet"), world.only("Deployment")["spec"]["template"], ready=False
    )
    world.settle()

    for message in {**status, "conditions": ""}.values():
        assert str(message) in world.message("Ready")
    assert first["metadata"]["name"] in world.message("Ready")

    second["status"]["conditions"] = [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu.",
        }
    ]
    world.settle()
    assert "3 Insufficient nvidia.com/gpu" in world.message("Ready")
    assert first["metadata"]["name"] in world.message("Ready")


def test_a_pod_that_failed_before_others_served_is_not_told_of_later_ones(world: World) -> None:
    (first,) = world.engine_pods()
    first["status"] = {"phase": "Failed", "reason": "Evicted"}
    owner, template = world.only("ReplicaSet"), world.only("Deployment")["spec"]["template"]
    world.pass_time(60)
    world.engine_pod(owner, template, ready=True)
    world.pass_time(60)
    world.engine_pod(owner, template, ready=False)

    world.settle()

    assert "Evicted" not in world.message("Reconciling")


def test_an_init_container_that_failed_once_and_did_its_work_is_not_told(world: World) -> None:
    fetched = {
        "name": "tandem-fetch",
        "ready": True,
        "state": {"terminated": {"exitCode": 0, "reason": "Completed"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "a hub hiccup"}},
    }

    (pod,) = world.engine_pods()
    pod["status"] |= {
        "initContainerStatuses": [fetched],
        "containerStatuses": main(RUNNING),
    }

    world.settle()

    assert "hiccup" not in world.message("Ready")


def test_the_engine_leaves_its_last_lines_where_it_writes_no_message(world: World) -> None:
    spec = world.only("Deployment")["spec"]["template"]["spec"]

    for container in (*spec["initContainers"], *spec["containers"]):
        assert container["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_a_namespace_that_wants_no_root_is_told_with_the_remedy(world: World) -> None:
    world.only("Deployment")["status"]["conditions"] = [
        {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": 'violates PodSecurity "restricted:latest": runAsNonRoot != true',
        }
    ]

    world.settle()

    assert "spec.template.spec.securityContext" in world.message("Stalled")


def test_a_pod_that_does_not_start_and_says_nothing_is_told_by_its_event(world: World) -> None:
    (pod,) = world.engine_pods()
    uid, name = pod["metadata"]["uid"], pod["metadata"]["name"]
    pod["status"]["containerStatuses"] = main({"waiting": {"reason": "ContainerCreating"}})
    assert [each.uid for each in world.settle().ask] == [uid]

    world.warnings[uid] = "FailedAttachVolume: Multi-Attach error for volume models"
    world.settle()
    assert f"pod {name} has not started: FailedAttachVolume" in world.message("Ready")

    pod["status"]["containerStatuses"] = main(RUNNING)
    assert world.settle().ask == ()
    assert "FailedAttachVolume" not in world.message("Ready")


def unready(message: str | None) -> Object:
    words = {} if message is None else {"message": message}
    return {
        "conditions": [{"type": "Ready", "status": "False", **words}],
        "containerStatuses": main(RUNNING, started=True),
    }


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("containers with unready status: [main]", "containers with unready status: [main]"),
        ('readiness gate "lb.example/attached" does not exist', "lb.example/attached"),
        (None, "see its node gpu-3"),
    ],
)
def test_an_engine_that_has_started_and_is_not_ready_is_told(
    world: World, message: str | None, expected: str
) -> None:
    (pod,) = world.engine_pods()
    pod["spec"]["nodeName"] = "gpu-3"

    words = says(world, **unready(message))

    assert words.startswith(f"pod {pod['metadata']['name']} is not ready: ")
    assert expected in words


def test_the_events_of_a_started_engine_that_is_not_ready_are_asked_and_told(world: World) -> None:
    (pod,) = world.engine_pods()
    uid = pod["metadata"]["uid"]
    pod["status"] = {"phase": "Running", **unready("containers with unready status: [main]")}
    assert [asked.uid for asked in world.settle().ask] == [uid]

    probe = "Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503"
    world.warnings[uid] = probe
    world.settle()

    assert world.message("Ready") == f"pod {pod['metadata']['name']} is not ready: {probe}"


def test_an_engine_that_loads_is_no_news(world: World) -> None:
    (pod,) = world.engine_pods()
    loading = {**unready(None), "containerStatuses": main(RUNNING, started=False)}
    pod["status"] = {"phase": "Running", **loading}

    assert world.settle().ask == ()
    assert world.message("Ready") == "the first replica of the pair is starting"
