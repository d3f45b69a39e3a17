"""The control groups of one node: made for the kubelet, and found again when the node ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
EMPTY_S = 10.0


def make(name: str) -> None:
    """A group of this name in every hierarchy, as the kubelet expects its root to exist."""
    if (ROOT / "cgroup.controllers").exists():
        controllers = (ROOT / "cgroup.controllers").read_text().split()
        (ROOT / "cgroup.subtree_control").write_text(" ".join(f"+{c}" for c in controllers))
        (ROOT / name).mkdir(exist_ok=True)
        return
    for hierarchy in _hierarchies():
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (hierarchy / setting).exists():
                (group / setting).write_text((hierarchy / setting).read_text())


def processes(name: str) -> set[int]:
    """Ids of all processes in the groups of this name and below."""
    return {
        int(pid)
        for group in _groups(name)
        for pid in _read(group / "cgroup.procs").split()
        if int(pid) != os.getpid()
    }


def kill(name: str) -> None:
    """End every process in the groups of this name and wait until they are empty (10 s at most)."""
    end_s = time.monotonic() + EMPTY_S
    while (left := processes(name)) and time.monotonic() < end_s:
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)


def remove(name: str) -> None:
    """Remove the groups of this name, innermost first; one that the kernel still holds stays."""
    for group in sorted(_groups(name), key=lambda path: len(path.parts), reverse=True):
        try:
            group.rmdir()
        except OSError:
            continue


def _hierarchies() -> list[Path]:
    return [path for path in ROOT.iterdir() if (path / "cgroup.procs").exists()]


def _groups(name: str) -> list[Path]:
    tops = [hierarchy / name for hierarchy in (ROOT, *_hierarchies())]
    return [Path(folder) for top in tops if top.is_dir() for folder, _, _ in os.walk(top)]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
