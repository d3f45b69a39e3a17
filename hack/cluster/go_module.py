"""A Go module of this repository: the folder of what is built from it, and Go's own answers."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from hack.cluster.binaries import CACHE, MissingProgramError, go


def folder_of(module: Path, name: str) -> Path:
    """Where the cache has what is built from just these modules."""
    content = hashlib.sha256()
    for file in ("go.mod", "go.sum"):
        content.update((module / file).read_bytes())
    return CACHE / name / content.hexdigest()[:16]


def run(module: Path, *words: str) -> str:
    """What Go prints in the module. Raises MissingProgramError without Go, or with its words."""
    done = subprocess.run([go(), *words], cwd=module, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgramError(f"go {words[0]} in {module} failed:\n{done.stderr[-2000:]}")
    return done.stdout
