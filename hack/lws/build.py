"""The controller of LeaderWorkerSets, its definitions and its webhooks, from Go modules."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

from hack.cluster.binaries import CACHE, MissingProgramError, go

MODULE = Path(__file__).parent / "module"
NAME = "sigs.k8s.io/lws"
PROGRAM = "lws"
WEBHOOKS = "webhooks.yaml"
DEFINITIONS = "crds"


def ensure() -> Path:
    """The folder with the program, `crds/` and `webhooks.yaml`, made once (5 minutes on 2 cores).

    Raises MissingProgramError without Go, with Go's words when the build fails.
    """
    content = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        content.update((MODULE / name).read_bytes())
    folder = CACHE / "lws" / content.hexdigest()[:16]
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            _make(part)
            part.rename(folder)
    return folder


def _make(folder: Path) -> None:
    flags = ("-trimpath", "-ldflags", "-s -w")
    _go("build", *flags, "-o", str(folder / PROGRAM), f"{NAME}/cmd")
    source = Path(_go("list", "-m", "-f", "{{.Dir}}", NAME).strip()) / "config"
    shutil.copytree(source / "crd" / "bases", folder / DEFINITIONS)
    shutil.copyfile(source / "webhook" / "manifests.yaml", folder / WEBHOOKS)
    for path in (folder / DEFINITIONS, *folder.rglob("*.yaml")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # Go keeps modules read-only


def _go(*words: str) -> str:
    done = subprocess.run([go(), *words], cwd=MODULE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgramError(f"go {words[0]} of {NAME} failed:\n{done.stderr[-2000:]}")
    return done.stdout
