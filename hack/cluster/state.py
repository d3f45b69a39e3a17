"""What a cluster left on this machine, on disk: the next start finds what a dead run left."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from hack.cluster.binaries import CACHE

CLUSTERS = CACHE / "clusters"
RUN = Path("/run/tandem")


@dataclass(frozen=True)
class Process:
    """A process by its id and its start time: an id alone may be somebody else's by now."""

    name: str
    pid: int
    started: str

    @classmethod
    def of(cls, name: str, pid: int) -> Process:
        return cls(name, pid, _start_time(pid) or "")

    @property
    def alive(self) -> bool:
        return bool(self.started) and _start_time(self.pid) == self.started


@dataclass(frozen=True)
class State:
    """The folder of one cluster.

    `owner` is the process that must be alive for the cluster to be wanted; None: it stays until it
    is taken down. `network` is the number of its address ranges, None without a node.
    """

    name: str
    owner: Process | None = None
    network: int | None = None
    processes: tuple[Process, ...] = ()

    @property
    def folder(self) -> Path:
        return CLUSTERS / self.name

    @property
    def run_folder(self) -> Path:
        """For sockets, whose paths must be short."""
        return RUN / self.name

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def saved(self) -> State:
        """Written whole, so that a crash leaves the old or the new record."""
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / "state.json.part"
        part.write_text(json.dumps(asdict(self)))
        part.replace(self.folder / "state.json")
        return self

    @property
    def wanted(self) -> bool:
        return self.owner is None or self.owner.alive

    @property
    def running(self) -> bool:
        return bool(self.processes) and all(process.alive for process in self.processes)

    def forget(self) -> None:
        """Delete the folders; rm is several times faster than Python at the files of images."""
        folders = [str(folder) for folder in (self.run_folder, self.folder)]
        subprocess.run(["rm", "-rf", "--one-file-system", *folders], check=True)


def load(name: str) -> State | None:
    """The record of a cluster, or None when there is none."""
    try:
        document = json.loads((CLUSTERS / name / "state.json").read_text())
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None
    owner = document["owner"]
    return State(
        name=document["name"],
        owner=Process(**owner) if owner else None,
        network=document["network"],
        processes=tuple(Process(**process) for process in document["processes"]),
    )


def every() -> list[State]:
    """All clusters of this machine that left a record."""
    if not CLUSTERS.is_dir():
        return []
    states = (load(folder.name) for folder in sorted(CLUSTERS.iterdir()) if folder.is_dir())
    return [state for state in states if state is not None]


def this_process() -> Process:
    return Process.of("owner", os.getpid())


def _start_time(pid: int) -> str | None:
    """Field 22 of /proc/PID/stat, in clock ticks since boot; None for no or a dead process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]
