"""deploy/: the chart as plain manifests, for those who use no Helm."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from hack.cluster import binaries

ROOT = Path(__file__).resolve().parents[2]
SYSTEM = "tandem-system"
INSTALL = "deploy/base/install.yaml"
MONITORING = "deploy/overlays/monitoring/monitoring.yaml"
PATHS = (INSTALL, MONITORING)
"""Every file that is made here, below the root."""
HEAD = "# Made from charts/tandem by `make manifests`: edit there.\n"
NAMESPACE = f"---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: {SYSTEM}\n"
MONITORED = (
    "--set=metrics.podMonitor.enabled=true",
    "--set=metrics.prometheusRule.enabled=true",
    "--set=metrics.dashboard.enabled=true",
    "--show-only=templates/monitors.yaml",
    "--show-only=templates/prometheusrule.yaml",
    "--show-only=templates/dashboard.yaml",
)


def texts() -> Mapping[str, str]:
    """Path below the root, and what the file should hold.

    Raises MissingProgramError where helm cannot be had.
    """
    return {
        INSTALL: HEAD + NAMESPACE + _rendered(("--skip-tests",)),
        MONITORING: HEAD + _rendered(MONITORED),
    }


def _rendered(words: Sequence[str]) -> str:
    chart = ROOT / "charts" / "tandem"
    command = [str(binaries.ensure_clients() / "helm"), "template", "tandem", str(chart)]
    done = subprocess.run(
        [*command, f"--namespace={SYSTEM}", *words], capture_output=True, text=True, check=True
    )
    # Nothing of Helm will manage these.
    return done.stdout.replace(
        "app.kubernetes.io/managed-by: Helm", "app.kubernetes.io/managed-by: kubectl"
    )
