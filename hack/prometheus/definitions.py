"""The definitions of PodMonitor, ServiceMonitor and PrometheusRule, as their project ships them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from hack.cluster.binaries import MissingProgramError, go

MODULE = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
KINDS = ("podmonitors", "servicemonitors", "prometheusrules")


def ensure() -> tuple[Path, ...]:
    """Their files, from the Go module that has them (some MB, once, in Go's own cache).

    Raises MissingProgramError without Go, with Go's words when the module cannot be had.
    """
    done = subprocess.run(
        [go(), "mod", "download", "-json", MODULE],
        cwd=Path("/"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MissingProgramError(f"{MODULE} cannot be had: {done.stdout}{done.stderr}")
    folder = Path(json.loads(done.stdout)["Dir"]) / "example" / "prometheus-operator-crd"
    return tuple(folder / f"monitoring.coreos.com_{kind}.yaml" for kind in KINDS)
