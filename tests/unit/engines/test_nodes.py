"""Replicas of several pods: how many, which engines, and how vLLM is started in each."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineType
from tandem_operator.engines import registry
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.vllm import DRIVER
from tandem_runtime.contract import paths
from tests.unit.engines import builders
from tests.unit.made_up import engine as made_up

Object = dict[str, Any]
PIPELINE = {
    "parallelism.pipeline": 2,
    "tuning.mode": "Fixed",
    "speculation.constrainedOutput": "Allow",
}
"""The stages of a pipeline draft a fixed number."""
WIDE = {"parallelism.tensor": 16, "accelerator.count": 8}


def refusals(changes: Object) -> tuple[FieldError, ...]:
    return registry.refusals(DRIVER, builders.spec(changes))


@pytest.mark.parametrize(
    ("changes", "pods"),
    [
        ({}, 1),
        ({"parallelism.tensor": 8}, 1),
        (PIPELINE, 2),
        ({**PIPELINE, "parallelism.tensor": 4}, 2),
        ({**PIPELINE, "parallelism.tensor": 4, "accelerator.count": 4}, 2),
        ({**PIPELINE, "parallelism.tensor": 4, "accelerator.count": 2}, 4),
        ({**PIPELINE, "parallelism.tensor": 4, "accelerator.count": 8}, 1),
        ({**PIPELINE, "parallelism.tensor": 4, "accelerator.count": 16}, 1),
        ({**PIPELINE, "accelerator.resource": "None"}, 2),
        (WIDE, 2),
        ({**WIDE, "accelerator.resource": "amd.com/gpu"}, 2),
        ({**WIDE, "accelerator.resource": "example.com/sixteen-gpus"}, 1),
        ({**WIDE, "engine.args": ["--distributed-executor-backend=mp"]}, 2),
        ({**WIDE, "engine.args": ["--distributed-executor-backend", "ray"]}, 1),
    ],
)
def test_a_replica_takes_as_many_pods_as_its_devices_need(changes: Object, pods: int) -> None:
    assert DRIVER.nodes(builders.spec(changes)) == pods
    assert refusals(changes) == ()


@pytest.mark.parametrize(
    ("changes", "field", "remedy"),
    [
        ({"parallelism.tensor": 4, "accelerator.count": 3}, "accelerator.count", "divisor of 4"),
        ({**WIDE, "minReadySeconds": 5}, "minReadySeconds", "remove it"),
        ({**PIPELINE, "parallelism.data": 2}, "parallelism.data", "accelerator.count: 4"),
        (
            {**PIPELINE, "engine.args": ["--distributed-executor-backend=ray"]},
            "engine.args",
            "accelerator.count: 2",
        ),
    ],
)
def test_what_several_pods_cannot_do_is_refused(changes: Object, field: str, remedy: str) -> None:
    (error,) = refusals(changes)
    assert (error.reason, error.field) == (
        StalledReason.UNSUPPORTED_COMBINATION,
        f"spec.{field}",
    )
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"parallelism.pipeline": 2}, "parallelism.pipeline"), (WIDE, "accelerator.count")],
)
def test_an_engine_that_has_no_workers_says_so(changes: Object, field: str) -> None:
    (error,) = registry.refusals(made_up.Driver(), builders.spec(changes))
    assert error.field == f"spec.{field}"
    assert "one pod" in error.message
    assert "accelerator.count" in error.remedy
    alone = {**changes, "accelerator.count": 16, "accelerator.resource": "nvidia.com/gpu"}
    assert registry.refusals(made_up.Driver(), builders.spec(alone)) == ()


def test_an_engine_of_one_device_says_that_alone() -> None:
    spec = builders.spec({"engine.type": "Torch", "parallelism.pipeline": 2})
    (error,) = registry.refusals(registry.driver(EngineType.TORCH), spec)
    assert "runs on one device" in error.message


def test_leader_and_workers_form_one_group_of_their_devices() -> None:
    launch = builders.launch({**PIPELINE, "parallelism.tensor": 4})
    leader, worker = DRIVER.render(launch).leader.container, DRIVER.worker(launch).container
    for main in (leader, worker):
        assert {"--nnodes=2", "--master-addr=$(LWS_LEADER_ADDRESS)"} <= set(main["args"])
        assert {"--tensor-parallel-size=4", "--pipeline-parallel-size=2"} <= set(main["args"])
        assert main["resources"]["limits"] == {"nvidia.com/gpu": "4"}
        assert main["args"][0] == paths.TARGET
    assert "--node-rank=0" in leader["args"]
    assert "--headless" not in leader["args"]
    assert {"--node-rank=$(LWS_WORKER_INDEX)", "--headless"} <= set(worker["args"])


def test_a_worker_serves_nothing_and_reads_no_table() -> None:
    launch = builders.launch({**WIDE, "engine.args": ["--max-model-len=4096"]})
    worker = DRIVER.worker(launch).container
    assert not worker.keys() & {
        "ports",
        "readinessProbe",
        "livenessProbe",
        "startupProbe",
        "lifecycle",
    }
    mounted = {mount["name"] for mount in worker["volumeMounts"]}
    assert paths.VOLUME_TABLE not in mounted
    assert {paths.VOLUME_MODELS, paths.VOLUME_STATE, paths.VOLUME_PLUGIN} <= mounted
    variables = {each["name"] for each in worker["env"]}
    assert "TANDEM_LOCK" in variables
    assert "TANDEM_TABLE_FILE" not in variables
    assert worker["args"][-1] == "--max-model-len=4096"


@pytest.mark.parametrize(
    "servers", [["--api-server-count=2"], ["--api_server_count", "2"], ["-asc", "2"], ["--api-s=2"]]
)
def test_the_number_of_api_servers_is_the_leaders_alone(servers: list[str]) -> None:
    launch = builders.launch({**WIDE, "engine.args": [*servers, "--api-key=secret"]})
    leader, worker = DRIVER.render(launch).leader.container, DRIVER.worker(launch).container
    assert leader["args"][-len(servers) - 1 :] == [*servers, "--api-key=secret"]
    assert worker["args"][-1] == "--api-key=secret"
    assert not set(servers) & set(worker["args"])


def test_a_replica_of_one_pod_is_started_as_before() -> None:
    words = " ".join(builders.rendered({"parallelism.tensor": 4}).leader.container["args"])
    assert "nnodes" not in words
    assert "executor" not in words


def test_the_spec_alone_says_how_many_where_no_driver_does() -> None:
    assert nodes.of(made_up.Driver(), builders.spec(WIDE)) == 2
