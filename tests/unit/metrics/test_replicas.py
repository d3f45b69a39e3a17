"""Only pods of our own workload are read."""

from __future__ import annotations

from tandem_operator.metrics.replicas import replicas_of
from tests.unit.metrics.builders import engine_pod, owned, workload


def test_a_ready_pod_of_the_workload_is_read_at_its_own_address() -> None:
    (replica,) = replicas_of("resource", [*workload(), engine_pod()])

    assert replica.url == "http://127.0.0.1:8000/metrics"
    assert replica.tiers == (0, 1, 3, 5)
    assert replica.lock == "aaaa"
    assert replica.speculation_loaded


def test_an_engine_that_is_told_no_deepest_k_speculates_by_its_tiers() -> None:
    """The torch engine's pods carry no TANDEM_MAX_TOKENS."""
    loaded, bare = engine_pod("loaded"), engine_pod("without")
    for pod, tiers in ((loaded, "0,1,2"), (bare, "0")):
        pod["spec"]["containers"][1]["env"] = [{"name": "TANDEM_TIERS", "value": tiers}]

    replicas = replicas_of("resource", [*workload(), loaded, bare])

    assert {each.pod: each.speculation_loaded for each in replicas} == {
        "loaded": True,
        "without": False,
    }


def test_pods_whose_k_came_by_a_rollout_are_the_same_engine_to_the_tuner() -> None:
    spec, rolled, other = engine_pod("spec"), engine_pod("rolled"), engine_pod("other")
    for pod, tokens in ((spec, "7"), (rolled, "3"), (other, "3")):
        pod["spec"]["containers"][1]["args"] = ["serve", f"--tokens={tokens}"]
    rolled["metadata"]["annotations"] = {"tandem.dev/arguments": '["serve", "--tokens=7"]'}

    replicas = replicas_of("resource", [*workload(), spec, rolled, other])
    shapes = {each.pod: each.shape for each in replicas}

    assert shapes["spec"] == shapes["rolled"] != shapes["other"]


def test_a_pod_says_at_which_port_of_which_container_its_metrics_are() -> None:
    pod = engine_pod()
    pod["metadata"]["annotations"] = {
        "tandem.dev/metrics-port": "figures",
        "tandem.dev/metrics-path": "/figures",
    }
    pod["spec"]["containers"][0]["ports"] = [{"name": "figures", "containerPort": 9000}]

    (replica,) = replicas_of("resource", [*workload(), pod])

    assert replica.url == "http://127.0.0.1:9000/figures"


def test_a_pod_that_only_carries_the_labels_is_not_read() -> None:
    stranger = engine_pod("stranger", owner="other")
    orphan = engine_pod("orphan")
    del orphan["metadata"]["ownerReferences"]
    claims_the_resource_itself = engine_pod("direct", owner="resource")

    replicas = replicas_of(
        "resource",
        [
            *workload(),
            owned("ReplicaSet", "other", "other", "elsewhere"),
            stranger,
            orphan,
            claims_the_resource_itself,
        ],
    )

    assert replicas == ()


def test_pods_that_are_not_ready_or_leave_are_not_read() -> None:
    leaving = engine_pod("leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert replicas_of("resource", [*workload(), engine_pod(ready=False), leaving]) == ()


def test_an_ipv6_address_is_bracketed() -> None:
    pod = engine_pod()
    pod["status"]["podIP"] = "fd00::1"

    (replica,) = replicas_of("resource", [*workload(), pod])

    assert replica.url == "http://[fd00::1]:8000/metrics"
