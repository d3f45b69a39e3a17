"""An upgrade of the release while a pair serves: an earlier chart and operator, then today's."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.cluster.cluster import Cluster
from tests.cluster.outside.operators import Operators
from tests.cluster.outside.rights import SYSTEM_NAMESPACE, kubeconfig_of
from tests.cluster.outside.room import Room
from tests.cluster.outside.server import Server
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("charts/tandem", "operator", "runtime")
EARLIER = os.environ.get("TANDEM_EARLIER", "")
"""The commit that is upgraded from; empty: the one before the newest that changed the chart."""

pytestmark = pytest.mark.cluster


def sources_of_earlier(folder: Path) -> Path:
    """Chart, operator and runtime of the earlier commit."""
    commit = EARLIER
    if not commit:
        words = ["git", "log", "--format=%H", "-2", "--", "charts/tandem"]
        done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
        commits = done.stdout.split()
        if done.returncode or len(commits) < 2:
            pytest.skip("no history: the previous chart is not known")
        commit = commits[1]
    packed = subprocess.run(
        ["git", "archive", commit, *FOLDERS], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def installed(cluster: Cluster, sources: Path) -> dict[str, str]:
    """Install or upgrade the release from there; returns what its chart gives the operator."""
    helm = [str(cluster.helm), f"--kubeconfig={cluster.kubeconfig}"]
    words = [f"--namespace={SYSTEM_NAMESPACE}", "tandem", str(sources / "charts" / "tandem")]
    done = subprocess.run(
        [*helm, "upgrade", "--install", "--create-namespace", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cluster.wait_established("crd/speculativedeployments.tandem.dev")
    deployment: dict[str, Any] = yaml.safe_load(
        cluster.run("get", "deployment", "tandem", "-n", SYSTEM_NAMESPACE, "-o", "yaml")
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    path = os.pathsep.join((str(sources / "operator"), str(sources / "runtime")))
    return {**given, "PYTHONPATH": path}


@pytest.fixture
def upgraded_server(control_plane: Cluster) -> Iterator[Server]:
    made = Server(control_plane)
    yield made
    made.close()


def test_an_upgrade_with_a_running_pair_starts_no_pod_anew(
    control_plane: Cluster, upgraded_server: Server, tmp_path: Path
) -> None:
    """The operator is a process beside the API server, under the release's rights and variables."""
    before = installed(control_plane, sources_of_earlier(tmp_path / "earlier"))
    kubeconfig = kubeconfig_of(control_plane, tmp_path, SYSTEM_NAMESPACE, "tandem")
    operators = Operators(control_plane, tmp_path, kubeconfig, extra=before)
    control_plane.make_namespace("serving")
    room = Room(upgraded_server, "serving")
    try:
        operators.start("before")
        room.serve(builders.good(), replicas=2)
        pods, deployment = room.pods("engine"), room.get("deployments")
        assert deployment is not None

        operators.stop("before")
        operators.extra = installed(control_plane, REPOSITORY)
        after = operators.start("after")
        wait("the new operator leads", after.leads, 60)
        wait("it has reconciled", lambda: 'count{result="done"} 0' not in after.metrics(), 60)
        room.edit(tuning={"maxTokens": 3})
        room.settle(2)

        existing = room.get("deployments")
        assert existing is not None
        assert existing["spec"]["template"] == deployment["spec"]["template"]
        assert {pod["metadata"]["uid"] for pod in room.pods("engine")} == {
            pod["metadata"]["uid"] for pod in pods
        }
        restarts = [
            status["restartCount"]
            for pod in room.pods("engine")
            for status in pod["status"]["containerStatuses"]
        ]
        assert restarts == [0, 0]
    finally:
        operators.end()
