"""The cluster that needs no Docker: our own Kubernetes, one node, in a network of its own."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hack.cluster import control_plane, network, node, teardown
from hack.cluster.binaries import MissingProgramError
from hack.cluster.control_plane import Place
from hack.cluster.credentials import Credentials
from hack.cluster.processes import StartError
from hack.cluster.state import CLUSTERS, State, every, load, this_process

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


def up(name: str, *, keep: bool) -> State:
    """A cluster with a Ready node; one that runs already is taken as it is.

    Args:
        name: also the node's name.
        keep: stay after this process; else its end is the cluster's end.

    Raises:
        MissingProgramError: what the machine lacks, with the remedy.
        StartError: a program failed; the end of its log.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a cluster: use a-z, 0-9 and '-', at most 32")
    sweep()
    held = load(name)
    if held is not None and held.running:
        return held
    if held is not None:
        teardown.end(held)
    require_node()
    with _alone():
        taken = {state.network for state in every() if state.network is not None}
        chosen = network.free(taken)
        owner = None if keep else this_process()
        state = State(name, owner, chosen.number).saved()
        network.make(chosen)
    try:
        place = chosen.place()
        state, credentials = control_plane.launch(state, place, (name,))
        return node.launch(state, credentials, chosen, lambda: node_ready(place, credentials, name))
    except BaseException:
        teardown.end(load(name) or state)
        raise


def control_plane_up(name: str) -> tuple[State, Place]:
    """etcd, API server and controller manager on loopback, for as long as this process lives.

    Raises MissingProgramError or StartError.
    """
    state = State(name, this_process()).saved()
    for attempt in range(3):
        place = control_plane.on_loopback()
        try:
            started, _ = control_plane.launch(state, place)
        except StartError:
            teardown.end(load(name) or state)
            if attempt == 2:
                raise
            state = State(name, this_process()).saved()
            continue
        except BaseException:
            teardown.end(load(name) or state)
            raise
        return started, place
    raise AssertionError("the loop returns or raises")


def down(name: str) -> bool:
    """End a cluster; False when there was none."""
    state = load(name)
    if state is None:
        return False
    teardown.end(state)
    return True


def sweep() -> None:
    """End every cluster whose owner is dead."""
    for state in every():
        if not state.wanted:
            print(f"ending cluster {state.name}, whose owner is gone", file=sys.stderr)
            teardown.end(state)


def node_ready(place: Place, held: Credentials, name: str) -> bool:
    """Whether the node's condition Ready is True."""
    request = urllib.request.Request(
        f"{place.server}/api/v1/nodes/{name}",
        headers={"Authorization": f"Bearer {held.tokens['admin']}"},
    )
    context = ssl.create_default_context(cafile=held.path("ca.crt"))
    try:
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            found: dict[str, Any] = json.load(answer)
    except OSError:
        return False
    conditions = found.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def require_node() -> None:
    """Everything that a node needs; installed by apt-get where we may.

    Raises MissingProgramError with the remedy.
    """
    if sys.platform != "linux":
        raise MissingProgramError(
            "a local node needs Linux: use CLUSTER=kind (needs Docker) or CLUSTER=current"
        )
    if os.geteuid() != 0:
        raise MissingProgramError(
            "a local node needs root (namespaces, mounts): run as root, or use CLUSTER=kind "
            "(needs Docker) or CLUSTER=current (your kubeconfig's context)"
        )
    missing = node.programs_missing()
    if not missing:
        return
    if shutil.which("apt-get") is None:
        raise MissingProgramError(f"install {', '.join(missing)}, or use CLUSTER=kind or current")
    print(f"installing {' '.join(missing)}", file=sys.stderr, flush=True)
    environ = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing],
    ):
        done = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise MissingProgramError(f"{' '.join(words)} failed: {done.stderr.strip()[-500:]}")


@contextmanager
def _alone() -> Iterator[None]:
    CLUSTERS.mkdir(parents=True, exist_ok=True)
    with (CLUSTERS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def load_archives(name: str, archives: list[Path]) -> None:
    """Bring images to a cluster's node. Raises LookupError when it does not run."""
    state = load(name)
    if state is None or state.network is None or not state.running:
        raise LookupError(f"no cluster {name!r} runs: make cluster-up first")
    for archive in archives:
        node.load_archive(state, archive)
