"""Flux's source-controller and kustomize-controller and their definitions, from Go modules."""

from __future__ import annotations

import shutil
from pathlib import Path

from hack.cluster import go_module
from hack.environment import made_once

MODULE = Path(__file__).parent / "module"
CONTROLLERS = ("kustomize-controller", "source-controller")
DEFINITIONS = "crds"


def ensure() -> Path:
    """The folder with both programs and `crds/`, made once (7 minutes on 2 cores).

    Raises MissingProgramError without Go, with Go's words when the build fails.
    """
    return made_once.ensure(go_module.folder_of(MODULE, "flux"), _make)


def _make(folder: Path) -> None:
    definitions = folder / DEFINITIONS
    definitions.mkdir(parents=True)
    for name in CONTROLLERS:
        module = f"github.com/fluxcd/{name}"
        flags = ("-trimpath", "-ldflags", "-s -w")
        go_module.run(MODULE, "build", *flags, "-o", str(folder / name), module)
        source = Path(go_module.run(MODULE, "list", "-m", "-f", "{{.Dir}}", module).strip())
        for file in (source / "config" / "crd" / "bases").iterdir():
            shutil.copyfile(file, definitions / file.name)
