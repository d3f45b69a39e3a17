"""Reads what the demo must know of this machine; builds and installs nothing."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

import psutil

from hack.cluster import binaries, provider
from hack.cluster.binaries import CACHE, MissingProgramError
from hack.cluster.cluster import Provider
from hack.cluster.node import packages
from hack.demo.environment.needs import Machine, Part
from hack.images import recipes
from hack.vllm import environment

PROGRAMS = ("kind", "kubectl", "helm")


def detect() -> Machine:
    """This machine. Raises MissingProgramError when CLUSTER names no provider."""
    chosen, docker = provider.chosen(), provider.docker_answers()
    built = any(recipes.FOLDER.glob("operator-*.tar"))
    base = built or "BASE_IMAGE" in os.environ
    lacking = set(packages.lacking()) if chosen is Provider.LOCAL else set()
    if not docker:
        lacking |= set(packages.lacking({"buildah": "buildah"}))
    if not base:
        lacking |= set(packages.lacking({"debootstrap": "debootstrap"}))
    programs = {name for name in PROGRAMS if shutil.which(name)} | ({"docker"} if docker else set())
    return Machine(
        provider=chosen,
        system=platform.system(),
        architecture=platform.machine(),
        root=os.geteuid() == 0,
        apt_get=shutil.which("apt-get") is not None,
        go=_has_go(),
        python=environment.DEBIAN_PYTHON.exists(),
        base_image=base,
        programs=frozenset(programs),
        packages=tuple(sorted(lacking)),
        uncached=_uncached(chosen, images=built),
        cache=str(CACHE),
        disk_gb=shutil.disk_usage(_existing(CACHE)).free / 1e9,
        memory_gib=psutil.virtual_memory().available / 2**30,
    )


def _uncached(chosen: Provider, *, images: bool) -> frozenset[Part]:
    there = {
        Part.ENVIRONMENT: environment.find() is not None,
        Part.KUBERNETES: chosen is not Provider.LOCAL or binaries.made(),
        # A changed tree builds its layers again, on the base that the first build made.
        Part.IMAGES: images,
        Part.MODELS: any((CACHE / "demo").glob("*/permuted-draft")),
    }
    return frozenset(part for part, made in there.items() if not made)


def _has_go() -> bool:
    try:
        binaries.go()
    except MissingProgramError:
        return False
    return True


def _existing(folder: Path) -> Path:
    return folder if folder.exists() else _existing(folder.parent)
