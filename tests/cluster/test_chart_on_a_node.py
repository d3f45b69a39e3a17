"""The chart on a real node: from a fresh namespace to an operator that is Ready and tested."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.images import recipes

CHART = Path(__file__).parents[2] / "charts" / "tandem"
READY_S = 30.0
SYSTEM = "chart-on-a-node"
DEFINITION = "speculativedeployments.tandem.dev"

pytestmark = [pytest.mark.cluster, pytest.mark.node, pytest.mark.timeout(900)]


@pytest.fixture
def image(cluster: Cluster) -> Iterator[str]:
    made = recipes.operator()
    cluster.load(made.archive)
    yield made.reference
    helm(cluster, "uninstall", "tandem", "--ignore-not-found", "--wait")
    # The next release goes into the same namespace, and another namespace's release must not find
    # the definition, which Helm keeps, in this one's name.
    cluster.run("delete", "namespace", SYSTEM, "--ignore-not-found", "--timeout=120s")
    cluster.run("delete", "crd", DEFINITION, "--ignore-not-found", "--timeout=120s")


def helm(cluster: Cluster, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(cluster.helm), f"--kubeconfig={cluster.kubeconfig}", f"--namespace={SYSTEM}"]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False)


def test_it_is_ready_within_half_a_minute_and_helm_test_says_so(
    cluster: Cluster, image: str
) -> None:
    repository, _, tag = image.rpartition(":")
    values = (f"--set=image.repository={repository}", f"--set=image.tag={tag}")
    walls = ("--set=networkPolicy.enabled=true", "--set=extraArgs={--log-level=debug}")
    began_s = time.monotonic()
    done = helm(
        cluster, "upgrade", "--install", "tandem", str(CHART), "--create-namespace", "--wait",
        "--timeout=120s", *values, *walls,
    )  # fmt: skip
    took_s = time.monotonic() - began_s

    assert done.returncode == 0, done.stderr + cluster.run("get", "pods", "-n", SYSTEM)
    assert took_s < READY_S
    assert f"operator  {image}" in done.stdout
    assert "helm test tandem" in done.stdout

    tested = helm(cluster, "test", "tandem", "--timeout=150s")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    # No pod of it stays, and it was never one of those that it asked.
    assert "tandem-test" not in cluster.run("get", "pods", "-n", SYSTEM, "-o", "name")


def test_helm_test_fails_and_says_where_to_look_when_no_operator_is_ready(
    cluster: Cluster, image: str
) -> None:
    repository, _, tag = image.rpartition(":")
    done = helm(
        cluster, "upgrade", "--install", "tandem", str(CHART), "--create-namespace",
        f"--set=image.repository={repository}", f"--set=image.tag={tag}",
        "--set=replicas=0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    tested = helm(cluster, "test", "tandem", "--timeout=30s")

    assert tested.returncode != 0
    logs = cluster.run("logs", "tandem-test", "-n", SYSTEM)
    assert "/readyz" in logs
