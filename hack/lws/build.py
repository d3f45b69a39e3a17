"""The controller of LeaderWorkerSets, its definitions and its webhooks, from Go modules."""

from __future__ import annotations

import shutil
from pathlib import Path

from hack.cluster import go_module
from hack.environment import made_once

MODULE = Path(__file__).parent / "module"
NAME = "sigs.k8s.io/lws"
PROGRAM = "lws"
WEBHOOKS = "webhooks.yaml"
DEFINITIONS = "crds"


def ensure() -> Path:
    """The folder with the program, `crds/` and `webhooks.yaml`, made once (5 minutes on 2 cores).

    Raises MissingProgramError without Go, with Go's words when the build fails.
    """
    return made_once.ensure(go_module.folder_of(MODULE, "lws"), _make)


def _make(folder: Path) -> None:
    flags = ("-trimpath", "-ldflags", "-s -w")
    go_module.run(MODULE, "build", *flags, "-o", str(folder / PROGRAM), f"{NAME}/cmd")
    source = Path(go_module.run(MODULE, "list", "-m", "-f", "{{.Dir}}", NAME).strip()) / "config"
    shutil.copytree(source / "crd" / "bases", folder / DEFINITIONS)
    shutil.copyfile(source / "webhook" / "manifests.yaml", folder / WEBHOOKS)
    for path in (folder / DEFINITIONS, *folder.rglob("*.yaml")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # Go keeps modules read-only
