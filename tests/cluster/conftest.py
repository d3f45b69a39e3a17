"""Pods that speak, for the tests of the ground itself."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from hack.cluster.cluster import Cluster
from hack.images import static

ProbePod = Callable[[Cluster, str, str], str]


@pytest.fixture(scope="session")
def probe_pod() -> ProbePod:
    """Starts a pod that answers HTTP on 8080 with its name, with a Service; returns its address."""

    def start(where: Cluster, namespace: str, name: str) -> str:
        where.apply(
            "\n---\n".join(map(json.dumps, (pod(namespace, name), service(namespace, name))))
        )
        words = ("wait", "--for=condition=Ready", f"pod/{name}", f"--namespace={namespace}")
        where.run(*words, "--timeout=60s", timeout_s=90)
        address = "jsonpath={.status.podIP}"
        return where.run("get", "pod", name, f"--namespace={namespace}", "-o", address)

    return start


@pytest.fixture(scope="session")
def probe_manifest() -> str:
    """The pod `one` in the namespace `pods`."""
    return json.dumps(pod("pods", "one"))


def pod(namespace: str, name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [
                {
                    "name": "main",
                    "image": static.ensure("probe")[1],
                    "imagePullPolicy": "Never",
                    "readinessProbe": {
                        "httpGet": {"port": 8080, "path": "/"},
                        "periodSeconds": 1,
                    },
                }
            ],
        },
    }


def service(namespace: str, name: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
