"""The programs of a Kubernetes, built from Go modules once and kept by the hash of what goes in."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parent / "binary"
CACHE = Path(os.environ.get("TANDEM_CACHE", Path.home() / ".cache" / "tandem"))
VERSION = "v1.35.4"
HELM = "helm.sh/helm/v4/cmd/helm@v4.3.1"
PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
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
    content.update(" ".join((*FLAGS, HELM, *PROGRAMS)).encode())
    return CACHE / "bin" / content.hexdigest()[:16]


def ensure() -> Path:
    """The folder of the programs, built if need be (about 5 minutes on 2 cores, once).

    Raises MissingProgramError without Go, with Go's own words when the build fails.
    """
    folder = location()
    if (folder / "helm").exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "helm").exists():
            _build(folder)
    return folder


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


def _build(folder: Path) -> None:
    compiler = go()
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    _say(f"building Kubernetes {VERSION} from Go modules, once: about 5 minutes on 2 cores")
    _go([compiler, "build", *FLAGS, "-o", str(part / "kubernetes"), "."], part)
    for program in PROGRAMS:
        (part / program).symlink_to("kubernetes")
    _say("building helm")
    _go([compiler, "install", "-trimpath", "-ldflags", "-s -w", HELM], part)
    part.rename(folder)


def _go(words: list[str], target: Path) -> None:
    environ = os.environ | {"GOBIN": str(target)}
    done = subprocess.run(
        words, cwd=SOURCE, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise MissingProgramError(f"{' '.join(words[:2])} failed:\n{done.stderr[-2000:]}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
