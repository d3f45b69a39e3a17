"""The chart on a real node: from a fresh namespace to an operator that is Ready and tested."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hack.cluster.cluster import Cluster
from hack.images import recipes
from tests.releases import helm, remove_release

CHART = Path(__file__).parents[2] / "charts" / "tandem"
READY_S = 30.0
SYSTEM = "chart-on-a-node"

pytestmark = [pytest.mark.cluster, pytest.mark.node, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(new_cluster: Callable[[], Cluster]) -> Cluster:
    """A cluster of its own: a release and its definition belong to a whole cluster."""
    return new_cluster()


@pytest.fixture
def image(cluster: Cluster) -> str:
    """The operator's image on the node, and nothing of an earlier test's release."""
    remove_release(cluster, SYSTEM)
    made = recipes.operator()
    cluster.load(made.archive)
    return made.reference


def test_it_is_ready_within_half_a_minute_and_helm_test_says_so(
    cluster: Cluster, image: str
) -> None:
    repository, _, tag = image.rpartition(":")
    values = (f"--set=image.repository={repository}", f"--set=image.tag={tag}")
    walls = ("--set=networkPolicy.enabled=true", "--set=extraArgs={--log-level=debug}")
    began_s = time.monotonic()
    done = helm(
        cluster, SYSTEM, "upgrade", "--install", "tandem", str(CHART), "--create-namespace",
        "--wait", "--timeout=120s", *values, *walls,
    )  # fmt: skip
    took_s = time.monotonic() - began_s

    assert done.returncode == 0, done.stderr + cluster.run("get", "pods", "-n", SYSTEM)
    assert took_s < READY_S
    assert f"operator  {image}" in done.stdout
    assert "helm test tandem" in done.stdout

    tested = helm(cluster, SYSTEM, "test", "tandem", "--timeout=150s")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    # No pod of it stays, and it was never one of those that it asked.
    assert "tandem-test" not in cluster.run("get", "pods", "-n", SYSTEM, "-o", "name")


def test_helm_test_fails_and_says_where_to_look_when_no_operator_is_ready(
    cluster: Cluster, image: str
) -> None:
    repository, _, tag = image.rpartition(":")
    done = helm(
        cluster, SYSTEM, "upgrade", "--install", "tandem", str(CHART), "--create-namespace",
        f"--set=image.repository={repository}", f"--set=image.tag={tag}",
        "--set=replicas=0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    tested = helm(cluster, SYSTEM, "test", "tandem", "--timeout=30s")

    assert tested.returncode != 0
    logs = cluster.run("logs", "tandem-test", "-n", SYSTEM)
    assert "/readyz" in logs
