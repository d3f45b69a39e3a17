"""The program that judges objects as GitOps tools do: kstatus, Flux, Argo CD."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.binaries import CACHE, MissingProgramError, go

Object = dict[str, Any]

SOURCE = Path(__file__).parent / "program"
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
HEALTH = DEPLOY / "argocd/resource_customizations/tandem.dev/SpeculativeDeployment/health.lua"
SERVING = DEPLOY / "flux" / "serving.yaml"


@dataclass(frozen=True)
class Health:
    """What each tool says of one object, in its own words."""

    kstatus: str
    flux: str
    argo: str
    message: str


def ensure() -> Path:
    """The program, built from Go modules once (2 minutes on 2 cores).

    Raises MissingProgramError without Go, with Go's words when the build fails.
    """
    content = hashlib.sha256()
    for name in ("main.go", "go.mod", "go.sum"):
        content.update((SOURCE / name).read_bytes())
    program = CACHE / "judge" / content.hexdigest()[:16]
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / f"{program.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            part = program.with_suffix(".part")
            words = [go(), "build", "-trimpath", "-ldflags", "-s -w", "-o", str(part), "."]
            done = subprocess.run(words, cwd=SOURCE, capture_output=True, text=True, check=False)
            if done.returncode:
                raise MissingProgramError(f"go build of the judge failed:\n{done.stderr[-2000:]}")
            part.rename(program)
    return program


def kustomization() -> Object:
    """Flux's Kustomization of deploy/."""
    documents = yaml.safe_load_all(SERVING.read_text())
    (document,) = (each for each in documents if each["kind"] == "Kustomization")
    return dict(document)


def assess(objects: Sequence[Object], folder: Path) -> list[Health]:
    """What the tools say, with the health script and the expressions of deploy/.

    Raises RuntimeError with the program's words when one of them cannot be evaluated.
    """
    file = folder / "expressions.json"
    file.write_text(json.dumps(kustomization()["spec"]["healthCheckExprs"]))
    done = subprocess.run(
        [str(ensure()), str(HEALTH), str(file)],
        input=json.dumps(list(objects)),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [Health(**each) for each in json.loads(done.stdout)]
