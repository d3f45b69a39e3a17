"""What the demo needs of a machine, and what is wrong with one, before anything is built."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from hack.cluster.cluster import Provider

MEMORY_GIB = 6
"""Cluster, operator and a serving engine were seen to take 3.7 (their summed PSS); the rest is for
the clients, a wider target and builds."""
ALWAYS_GB = 2.0
"""Images inside the node, models and logs of each run."""


class Part(Enum):
    """What is made once and kept: name, minutes on 2 cores (docs/hack.md), GB with what it left."""

    ENVIRONMENT = ("vLLM for CPUs", 6, 8.0)
    KUBERNETES = ("a Kubernetes from Go modules", 9, 7.0)
    IMAGES = ("the images", 4, 4.0)
    MODELS = ("the models", 1, 0.5)

    def __init__(self, title: str, minutes: int, disk_gb: float) -> None:
        self.title, self.minutes, self.disk_gb = title, minutes, disk_gb


@dataclass(frozen=True)
class Machine:
    """What was found here. Disk in GB where the cache is, memory in GiB that can be had."""

    provider: Provider
    system: str
    architecture: str
    root: bool
    apt_get: bool
    go: bool
    python: bool
    base_image: bool
    programs: frozenset[str]
    packages: tuple[str, ...]
    """Debian packages that the demo needs and that are not here."""
    uncached: frozenset[Part]
    cache: str
    disk_gb: float
    memory_gib: float


def needed_gb(machine: Machine) -> float:
    """Free disk that a run may take here, in GB."""
    return ALWAYS_GB + sum(part.disk_gb for part in machine.uncached)


def describe(machine: Machine, loads_s: float) -> str:
    """What the demo needs and how long it takes here; `loads_s` is the length of its loads."""
    missing = sorted(machine.uncached, key=lambda part: -part.minutes)
    parts = ", ".join(f"{part.title} {part.minutes}" for part in missing)
    minutes = sum(part.minutes for part in missing)
    lines = [
        f"cluster   {machine.provider}: {_CLUSTER[machine.provider]}",
        f"packages  {' '.join(machine.packages) or 'all are here'}"
        + (" (apt-get installs them)" if machine.packages else ""),
        f"disk      {needed_gb(machine):.0f} GB in {machine.cache} ({machine.disk_gb:.0f} free)",
        f"memory    {MEMORY_GIB} GiB ({machine.memory_gib:.0f} free)",
        f"to build  {f'about {minutes} minutes on 2 cores, once: {parts}' if parts else 'nothing'}",
        f"to run    {loads_s / 60:.0f} minutes of loads, and one or two to start and to end",
    ]
    return "The demo needs:\n" + "\n".join(f"  {line}" for line in lines)


def problems(machine: Machine) -> list[str]:
    """What would make the demo fail here, each with what to do; empty where it can start."""
    return [*_cluster(machine), *_tools(machine), *_room(machine)]


_CLUSTER = {
    Provider.LOCAL: "Kubernetes' own programs on this machine, as root",
    Provider.KIND: "kind in Docker",
    Provider.CURRENT: "your kubeconfig's context",
}
_REAL_DOCKER = "install Docker, kind, kubectl and helm, and start it with CLUSTER=kind"


def _cluster(machine: Machine) -> Iterable[str]:
    if machine.system != "Linux":
        yield f"the engine runs on Linux, and this is {machine.system}: use a Linux machine"
    if machine.architecture != "x86_64":
        yield f"the programs are built for x86_64, and this is {machine.architecture}"
    match machine.provider:
        case Provider.CURRENT:
            yield (
                "CLUSTER=current: the demo brings images and models of this machine to its own "
                "node; leave CLUSTER empty, or install on your cluster by "
                "docs/first-15-minutes.md"
            )
        case Provider.KIND:
            for program in sorted({"docker", "kind", "kubectl", "helm"} - machine.programs):
                yield f"{program} is missing: install it, or use CLUSTER=local as root"
        case Provider.LOCAL if not machine.root:
            yield f"a cluster on this machine needs root: sudo make demo; or {_REAL_DOCKER}"


def _tools(machine: Machine) -> Iterable[str]:
    if machine.packages and not machine.apt_get:
        names = " ".join(machine.packages)
        yield f"there is no apt-get to install {names}: install them with your package manager"
    elif machine.packages and not machine.root:
        names = " ".join(machine.packages)
        yield f"only root installs packages: sudo apt-get install {names}"
    if not machine.python:
        yield (
            "/usr/bin/python3.11 is missing, which the engine's environment stands on: on Debian "
            "12, apt-get install python3 python3-venv libnuma1"
        )
    if (
        not machine.go
        and machine.provider is Provider.LOCAL
        and Part.KUBERNETES in machine.uncached
    ):
        yield (
            "Go is missing, which builds Kubernetes: install Go 1.25 or newer from "
            f"https://go.dev/doc/install; or {_REAL_DOCKER}"
        )
    if not machine.base_image and not machine.root:
        yield (
            "only root makes the images' base (debootstrap): sudo make demo; or name an image of "
            "Debian 12 that has python3, python3-venv, ca-certificates and libnuma1: "
            "BASE_IMAGE=NAME make demo"
        )


def _room(machine: Machine) -> Iterable[str]:
    needed = needed_gb(machine)
    if machine.disk_gb < needed:
        yield (
            f"{machine.disk_gb:.0f} GB are free in {machine.cache}, and {needed:.0f} are needed: "
            "make room, or name another folder with TANDEM_CACHE"
        )
    if machine.memory_gib < MEMORY_GIB:
        yield (
            f"{machine.memory_gib:.1f} GiB of memory are free, and {MEMORY_GIB} are needed: end "
            "other programs, or use a larger machine"
        )
