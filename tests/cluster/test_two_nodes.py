"""Clusters with nodes side by side, and what stays of one whose run was killed: nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from hack.cluster.cluster import Cluster
from hack.cluster.ending import shims, sweep
from hack.cluster.node import control_groups, mounts
from hack.cluster.node.network import Network
from hack.cluster.state import State, load

ProbePod = Callable[[Cluster, str, str], str]
REPOSITORY = Path(__file__).parents[2]

pytestmark = [pytest.mark.cluster, pytest.mark.node]


def test_ending_one_cluster_leaves_the_other_alone(
    new_cluster: Callable[[], Cluster], probe_pod: ProbePod
) -> None:
    first, second = new_cluster(), new_cluster()
    addresses = []
    for made in (first, second):
        made.make_namespace("pods")
        addresses.append(probe_pod(made, "pods", "one"))
    before = _container(second)
    gone = _state(first)
    first.end()
    assert _container(second) == before
    assert before["restartCount"] == 0
    assert httpx.get(f"http://{addresses[1]}:8080/").text == "one\n"
    _assert_nothing_left(gone)


RUN = """
import json, sys, time
from hack.cluster import local
from hack.images import static
made = local.up(sys.argv[1], keep=False)
made.load(static.ensure("probe")[0])
made.make_namespace("pods")
made.apply(sys.argv[2])
made.run("wait", "--for=condition=Ready", "pod/one", "--namespace=pods", "--timeout=60s")
print("running", flush=True)
time.sleep(600)
"""


def test_the_next_start_ends_what_a_killed_run_left(probe_manifest: str) -> None:
    name = "crash-test"
    run = subprocess.Popen(
        [sys.executable, "-c", RUN, name, probe_manifest],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == "running\n"
    run.send_signal(signal.SIGKILL)
    run.wait(10)
    left = load(name)
    assert left is not None
    assert left.running
    assert shims(left)
    sweep()
    _assert_nothing_left(left)


def test_an_interrupted_start_leaves_nothing() -> None:
    name = "interrupted-test"
    up = subprocess.Popen(
        [sys.executable, "-m", "hack.cluster", "up", "--name", name],
        cwd=REPOSITORY,
        env=os.environ | {"CLUSTER": "local"},
        stderr=subprocess.PIPE,
        text=True,
        # A test run that was put into the background ignores interrupts, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert wait_until(lambda: "containerd" in _names(name), timeout_s=60)
    begun = load(name)
    up.send_signal(signal.SIGINT)
    up.communicate(timeout=60)
    assert up.returncode != 0
    assert begun is not None
    _assert_nothing_left(begun)


def _names(name: str) -> list[str]:
    state = load(name)
    return [process.name for process in state.processes] if state else []


def wait_until(holds: Callable[[], bool], timeout_s: float) -> bool:
    end_s = time.monotonic() + timeout_s
    while not holds() and time.monotonic() < end_s:
        time.sleep(0.02)
    return holds()


def _assert_nothing_left(state: State) -> None:
    assert state.network is not None
    network = Network(state.network)
    assert load(state.name) is None
    assert [process for process in state.processes if process.alive] == []
    assert shims(state) == []
    assert mounts.below(state.folder) == mounts.below(state.run_folder) == []
    assert control_groups.processes(network.namespace) == set()
    assert not network.exists
    assert not state.folder.exists()


def _state(made: Cluster) -> State:
    state = load(made.name)
    assert state is not None
    return state


def _container(made: Cluster) -> dict[str, object]:
    pod = json.loads(made.run("get", "pod", "one", "--namespace=pods", "-o", "json"))
    status: dict[str, object] = pod["status"]["containerStatuses"][0]
    return status
