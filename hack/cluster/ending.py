"""Ends a cluster and all that it left: the same way whether it is taken down or was found dead.

Nothing of a cluster outlives it, so its programs are killed rather than asked.
"""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster.node import containerd, control_groups, mounts, network
from hack.cluster.node.network import Network
from hack.cluster.processes import stop
from hack.cluster.state import CLUSTERS, Process, State, every


@contextmanager
def locked(name: str = "every") -> Iterator[None]:
    """One process of this machine at a time: `every` for the records, `starting` for a start."""
    CLUSTERS.mkdir(parents=True, exist_ok=True)
    with (CLUSTERS / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def end(state: State) -> None:
    """End the programs, the containers, the mounts, the groups and the network, then the folder.

    Raises RuntimeError when a mount stays; nothing is deleted then. It may be called again.
    """
    for process in reversed(state.processes):
        stop(process, kill=True)
    if state.network is not None:
        subnet = Network(state.network)
        control_groups.kill(subnet.namespace)
        for shim in shims(state):
            stop(shim, kill=True)
        mounts.undo(state.run_folder)
        mounts.undo(state.folder)
        control_groups.remove(subnet.namespace)
        network.remove(subnet)
    state.forget()


def sweep() -> None:
    """End every cluster whose owner died, and say so."""
    with locked():
        dead = [state for state in every() if not state.wanted]
        for state in dead:
            end(state)
    for state in dead:
        print(f"ended cluster {state.name}, whose owner was gone", file=sys.stderr)


def shims(state: State) -> list[Process]:
    """containerd's shims outlive it; their command line names the socket."""
    wanted = str(containerd.socket(state)).encode()
    running = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if wanted in words and b"containerd-shim" in words[0]:
            running.append(Process.of("containerd-shim", int(folder.name)))
    return running
