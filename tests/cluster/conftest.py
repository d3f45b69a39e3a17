"""Pods that speak, for the tests of the ground itself; operators beside an API server."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator

import pytest

from hack.cluster.cluster import Cluster
from hack.images import static
from tests.cluster.outside.operators import FIRST, Operators
from tests.cluster.outside.rights import install_rights
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server

ProbePod = Callable[[Cluster, str, str], str]


@pytest.fixture(scope="session")
def server(shared_control_plane: Cluster) -> Iterator[Server]:
    made = Server(shared_control_plane)
    yield made
    made.close()


@pytest.fixture(scope="session")
def operators(
    shared_control_plane: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operators]:
    """One operator leads at the start of each test."""
    folder = tmp_path_factory.mktemp("operators")
    made = Operators(shared_control_plane, folder, install_rights(shared_control_plane, folder))
    made.start(FIRST)
    yield made
    made.end()


@pytest.fixture
def new_room(shared_control_plane: Cluster, server: Server) -> Callable[[], Room]:
    """One more namespace, as empty as it is made."""

    def make() -> Room:
        name = f"room-{secrets.token_hex(4)}"
        shared_control_plane.make_namespace(name)
        return Room(server, name)

    return make


@pytest.fixture
def room(new_room: Callable[[], Room]) -> Room:
    return new_room()


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
