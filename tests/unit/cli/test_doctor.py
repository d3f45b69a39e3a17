"""`tandem doctor`: each thing that an installation needs, and what is wrong with its remedy."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tandem_operator.api import crd, names
from tests.unit.cli.builders import resource
from tests.unit.cli.conftest import Done, Tandem
from tests.unit.cli.fake_api import FakeApi

Object = dict[str, Any]
CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{names.CRD_NAME}"
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/tandem-system/leases/tandem"
ENGINE_METRICS = "/api/v1/namespaces/shop/pods/chat-a:8000/proxy/metrics"
OPERATOR_METRICS = "/api/v1/namespaces/tandem-system/pods/tandem-a:8080/proxy/metrics"


def pod(name: str, namespace: str, container: str, **changes: Any) -> Object:
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": changes.get("labels", {})},
        "spec": {
            "containers": [
                {
                    "name": container,
                    "ports": [{"containerPort": 8000}],
                    "env": [{"name": "TANDEM_LEASE", "value": "tandem"}],
                }
            ]
        },
        "status": {
            "conditions": [{"type": "Ready", "status": changes.get("ready", "True")}],
            "containerStatuses": [{"image": "img:1", "state": changes.get("state", {})}],
        },
    }


def lease(age_s: float = 1.0) -> Object:
    renewed = datetime.fromtimestamp(datetime.now(UTC).timestamp() - age_s, UTC)
    return {
        "spec": {
            "holderIdentity": "tandem-a",
            "renewTime": renewed.isoformat(),
            "leaseDurationSeconds": 15,
        }
    }


@pytest.fixture
def whole(api: FakeApi) -> FakeApi:
    """An installation of which nothing is wrong, with one resource that serves."""
    labels = {names.LABEL_DEPLOYMENT: "chat", names.LABEL_ROLE: names.ROLE_ENGINE}
    raw = resource()
    raw["spec"]["replicas"] = 1
    api.resources = [raw]
    api.objects = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.1"},
        CRD: copy.deepcopy(crd.definition()),
        REVIEW: {"status": {"allowed": True}},
        "/api/v1/pods": {"items": [pod("tandem-a", "tandem-system", "operator")]},
        LEASE: lease(),
        OPERATOR_METRICS: "tandem_leader 1\n",
        "/api/v1/namespaces/shop/pods": {"items": [pod("chat-a", "shop", "main", labels=labels)]},
        ENGINE_METRICS: "tandem:applied_generation 4\n",
    }
    return api


def findings(done: Done) -> dict[str, list[tuple[str, str]]]:
    by_check: dict[str, list[tuple[str, str]]] = {}
    for one in json.loads(done.out)["findings"]:
        by_check.setdefault(one["check"], []).append((one["level"], one["message"]))
    return by_check


def test_a_whole_installation_has_nothing_wrong(whole: FakeApi, tandem: Tandem) -> None:
    done = tandem("doctor", "-o", "json")

    results = findings(done)
    assert done.status == 0, done
    assert {level for each in results.values() for level, _ in each} == {"ok"}
    assert results["shop/chat"][-1] == ("ok", "chat-a: plugin loaded, table 4 applied")


def test_text_has_a_line_a_check(whole: FakeApi, tandem: Tandem) -> None:
    lines = tandem("doctor").out.splitlines()

    assert all(line.startswith("ok") for line in lines)
    assert any("tandem-a leads" in line for line in lines)


def waiting(reason: str) -> Object:
    state = {"waiting": {"reason": reason, "message": "no such image"}}
    return pod("tandem-a", "tandem-system", "operator", ready="False", state=state)


def without_a_field() -> Object:
    definition = copy.deepcopy(crd.definition())
    schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    del schema["properties"]["spec"]["properties"]["paused"]
    return definition


@pytest.mark.parametrize(
    ("path", "answer", "check", "level", "expected"),
    [
        (CRD, None, "definition", "wrong", "there is no speculativedeployments"),
        (CRD, without_a_field(), "definition", "warning", "another release"),
        (REVIEW, {"status": {"allowed": False}}, "your rights", "wrong", "you may not get, list"),
        ("/api/v1/pods", {"items": []}, "operator", "wrong", "no pod of an operator"),
        (
            "/api/v1/pods",
            {"items": [waiting("ImagePullBackOff")]},
            "operator's image",
            "wrong",
            "img:1: ImagePullBackOff, no such image",
        ),
        (LEASE, None, "leader", "wrong", "nobody holds the Lease"),
        (LEASE, lease(300), "leader", "wrong", "s ago"),
        (OPERATOR_METRICS, "<html>", "operator's metrics", "wrong", "no page of the operator"),
        (ENGINE_METRICS, "vllm:x 1\n", "shop/chat", "wrong", "the plugin is not loaded"),
        (
            ENGINE_METRICS,
            "tandem:applied_generation 3\n",
            "shop/chat",
            "warning",
            "applies table 3",
        ),
        ("/api/v1/namespaces/shop/pods", {"items": []}, "shop/chat", "warning", "0 of 1 replicas"),
        ("/version", {"major": "1", "minor": "27+"}, "API server", "wrong", "Kubernetes"),
    ],
)
def test_what_is_wrong_is_told(
    path: str,
    answer: Any,
    check: str,
    level: str,
    expected: str,
    whole: FakeApi,
    tandem: Tandem,
) -> None:
    whole.objects[path] = answer
    if answer is None:
        del whole.objects[path]

    done = tandem("doctor", "-o", "json")

    assert any(one == level and expected in message for one, message in findings(done)[check]), done
    assert done.status == (1 if level == "wrong" else 0)


def test_an_engine_that_keeps_its_depth_needs_no_plugin(whole: FakeApi, tandem: Tandem) -> None:
    whole.resources[0]["status"]["speculation"]["liveMode"] = "Rollout"
    whole.objects[ENGINE_METRICS] = "vllm:x 1\n"

    results = findings(tandem("doctor", "-o", "json"))

    assert results["shop/chat"][-1] == ("ok", "chat-a: metrics answer; K changes with its pods")


def test_what_this_user_may_not_see_is_unknown_and_not_wrong(
    whole: FakeApi, tandem: Tandem
) -> None:
    whole.forbidden = (CRD, "/api/v1/pods", LEASE, ENGINE_METRICS)

    done = tandem("doctor", "-o", "json")

    results = findings(done)
    assert done.status == 0
    for check in ("definition", "operator"):
        assert results[check][0][0] == "unknown"
    assert results["shop/chat"][-1][0] == "unknown"


def test_a_cluster_that_does_not_answer_is_one_line(api: FakeApi, tandem: Tandem) -> None:
    api.refusal = (401, "no")

    done = tandem("doctor")

    assert (done.status, done.err.count("\n")) == (2, 1)


@pytest.mark.parametrize("served", [False, True])
def test_a_missing_kind_for_replicas_of_several_pods_is_wrong_with_its_remedy(
    whole: FakeApi, tandem: Tandem, served: bool
) -> None:
    whole.resources[0]["spec"] = {
        "replicas": 1,
        "target": {"uri": "hf://org/target"},
        "draft": {"uri": "hf://org/draft"},
        "speculation": {"method": "DraftModel"},
        "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
        "parallelism": {"pipeline": 2},
    }
    if served:
        whole.objects["/apis/leaderworkerset.x-k8s.io/v1"] = {"kind": "APIResourceList"}

    done = tandem("doctor", "-o", "json")

    missing = ("wrong", "a replica is 2 pods, and this cluster has no LeaderWorkerSet")
    assert (missing in findings(done)["shop/chat"]) is not served
    assert ("install LeaderWorkerSet" in done.out) is not served
