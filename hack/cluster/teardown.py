"""Ends a cluster and everything that it left: processes, containers, mounts, cgroups, networks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from hack.cluster.network import Network, remove
from hack.cluster.node import cgroups
from hack.cluster.processes import stop
from hack.cluster.state import State

SHIM = "containerd-shim"
GONE_S = 10.0


def end(state: State) -> None:
    """Stop the programs in the reverse order of their start, then what outlives them.

    Works on the record alone, so it also ends what a killed run left behind.
    """
    if state.network is None:
        for process in reversed(state.processes):
            stop(process, kill=True)
        state.forget()
        return
    network = Network(state.network)
    pod_networks = _pod_networks(state)
    for process in reversed(state.processes):
        stop(process, kill=process.name != "containerd")
    _end_shims(state)
    _kill_cgroups(network)
    _unmount(state.folder)
    for name in pod_networks:
        subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    remove(network)
    for folder in cgroups(network):
        _remove_cgroup(folder)
    state.forget()


def _pod_networks(state: State) -> list[str]:
    """Names of the network namespaces that the cluster's pods hold."""
    found = set()
    for config in state.folder.glob(
        "containerd-state/io.containerd.runtime.v2.task/*/*/config.json"
    ):
        try:
            spaces = json.loads(config.read_text())["linux"]["namespaces"]
        except (OSError, ValueError, KeyError):
            continue
        found |= {
            Path(space["path"]).name
            for space in spaces
            if space["type"] == "network" and "/netns/cni-" in space.get("path", "")
        }
    return sorted(found)


def _end_shims(state: State) -> None:
    """Shims outlive containerd; theirs is the socket of this cluster in their command line."""
    mark = str(state.folder / "containerd.sock")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if SHIM in Path(words[0]).name and any(mark in word for word in words[1:]):
            _kill(int(folder.name))


def _kill_cgroups(network: Network) -> None:
    end_s = time.monotonic() + GONE_S
    while time.monotonic() < end_s:
        members = {
            int(pid)
            for folder in cgroups(network)
            for listed in folder.rglob("cgroup.procs")
            for pid in _lines(listed)
        }
        if not members:
            return
        for pid in members:
            _kill(pid)
        time.sleep(0.05)


def _unmount(folder: Path) -> None:
    """Everything mounted below the folder, the newest first."""
    points = [line.split()[4] for line in _lines(Path("/proc/self/mountinfo"))]
    for point in reversed(points):
        if Path(point).is_relative_to(folder):
            subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def _remove_cgroup(folder: Path) -> None:
    if not folder.is_dir():
        return
    for below in sorted(folder.rglob("*/"), key=lambda path: len(path.parts), reverse=True):
        _rmdir(below)
    _rmdir(folder)


def _rmdir(folder: Path) -> None:
    end_s = time.monotonic() + GONE_S
    while folder.is_dir():
        try:
            folder.rmdir()
        except OSError:
            if time.monotonic() > end_s:
                return
            time.sleep(0.05)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
