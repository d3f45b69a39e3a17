"""A release as a user makes and installs it: pushed to a registry, and only from there to a node.

The registry is a real one on the node's own link. Nothing is loaded into the node beforehand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hack.cluster.binaries import MissingProgramError
from hack.cluster.cluster import Cluster
from hack.images import recipes
from hack.registry import server
from tests.parts import skip_without
from tests.releases import helm

REPOSITORY = Path(__file__).parents[2]
VERSION = "7.8.9"
READY_S = 30.0
"""On a machine of its own; where others wait for the processors too, as many times longer."""
SYSTEM = "tandem-system"

pytestmark = [pytest.mark.cluster, pytest.mark.node, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(new_cluster: Callable[[], Cluster]) -> Cluster:
    """A cluster of its own, whose node has no image of ours."""
    return new_cluster()


@pytest.fixture(scope="module")
def registry(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of an empty registry that the node may pull from."""
    assert cluster.host_address is not None
    try:
        server.ensure()
    except MissingProgramError as missing:
        skip_without(missing)
    with server.serving(cluster.host_address, tmp_path_factory.mktemp("registry")) as host:
        cluster.pull_plainly(host)
        yield host


@pytest.fixture(scope="module")
def released(registry: str, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make release` leaves in its folder."""
    out = tmp_path_factory.mktemp("release") / "dist"
    environ = os.environ | {"BASE_IMAGE": recipes.base()}
    environ["PATH"] = f"{cluster.helm.parent}:{environ['PATH']}"
    for proxy in ("no_proxy", "NO_PROXY"):
        environ[proxy] = f"{environ.get(proxy, '')},{registry.partition(':')[0]}"
    done = subprocess.run(
        [sys.executable, "-m", "hack.release", f"--registry={registry}/tandem", "--plain-http",
         f"--version={VERSION}", "--images", "operator", "--out", str(out)],
        cwd=REPOSITORY, env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_chart_and_image_come_from_the_registry_and_the_operator_is_ready_in_half_a_minute(
    cluster: Cluster, registry: str, released: Path
) -> None:
    began_s = time.monotonic()
    load_before = os.getloadavg()[0]
    done = helm(
        cluster, SYSTEM, "install", "tandem", f"oci://{registry}/tandem/charts/tandem",
        "--plain-http", f"--version={VERSION}", "--create-namespace", "--wait", "--timeout=120s",
    )  # fmt: skip
    took_s = time.monotonic() - began_s

    assert done.returncode == 0, done.stderr + cluster.run("get", "pods,events", "-n", SYSTEM)
    waiting = max(1.0, load_before / (os.cpu_count() or 1))
    print(f"fresh namespace to Ready operator, all pulled: {took_s:.1f} s, {waiting:.1f} per CPU")
    # The image by its digest, as the release wrote it down, and pulled: it was not in the node.
    digests = (released / "digests.txt").read_text().split()
    pushed = next(each for each in digests if "/tandem-operator@" in each)
    listed = json.loads(cluster.run("get", "pods", "-n", SYSTEM, "-o", "json"))
    containers = [each for pod in listed["items"] for each in pod["status"]["containerStatuses"]]
    assert [each["imageID"] for each in containers] == [pushed] * len(containers)
    assert containers and all(each["ready"] for each in containers)
    assert f'Successfully pulled image "{pushed}"' in cluster.run("get", "events", "-n", SYSTEM)
    assert took_s < READY_S * waiting
