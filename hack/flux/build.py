"""Flux's source-controller and kustomize-controller and their definitions, from Go modules."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from hack.cluster.binaries import CACHE, MissingProgramError, go
from hack.environment import made_once

MODULE = Path(__file__).parent / "module"
CONTROLLERS = ("kustomize-controller", "source-controller")
DEFINITIONS = "crds"


def ensure() -> Path:
    """The folder with both programs and `crds/`, made once (7 minutes on 2 cores).

    Raises MissingProgramError without Go, with Go's words when the build fails.
    """
    content = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        content.update((MODULE / name).read_bytes())
    return made_once.ensure(CACHE / "flux" / content.hexdigest()[:16], _make)


def _make(folder: Path) -> None:
    definitions = folder / DEFINITIONS
    definitions.mkdir(parents=True)
    for name in CONTROLLERS:
        module = f"github.com/fluxcd/{name}"
        flags = ("-trimpath", "-ldflags", "-s -w")
        _go("build", *flags, "-o", str(folder / name), module)
        source = Path(_go("list", "-m", "-f", "{{.Dir}}", module).strip())
        for file in (source / "config" / "crd" / "bases").iterdir():
            shutil.copyfile(file, definitions / file.name)


def _go(*words: str) -> str:
    done = subprocess.run([go(), *words], cwd=MODULE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgramError(f"go {words[0]} of Flux failed:\n{done.stderr[-2000:]}")
    return done.stdout
