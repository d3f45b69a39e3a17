"""The chart's own account, rights and Lease, for operators that run beside an API server."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.cluster import Cluster

Object = dict[str, Any]

REPOSITORY = Path(__file__).parents[3]
SYSTEM_NAMESPACE = "tandem-system"
LEASE = "tandem"
USER = f"system:serviceaccount:{SYSTEM_NAMESPACE}:tandem"


def install_rights(
    cluster: Cluster,
    folder: Path,
    values: tuple[str, ...] = (),
    system: str = SYSTEM_NAMESPACE,
) -> Path:
    """The chart's service account, rights and Lease; returns a kubeconfig of that account."""
    cluster.run("create", "namespace", system)
    done = subprocess.run(
        [
            str(cluster.helm),
            "template",
            "tandem",
            str(REPOSITORY / "charts" / "tandem"),
            f"--namespace={system}",
            "--show-only=templates/rbac.yaml",
            "--show-only=templates/serviceaccount.yaml",
            *values,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cluster.apply(done.stdout)
    return kubeconfig_of(cluster, folder, system, "tandem")


def kubeconfig_of(cluster: Cluster, folder: Path, namespace: str, account: str) -> Path:
    """A kubeconfig of a service account."""
    token = cluster.run(
        "create", "token", account, f"--namespace={namespace}", "--duration=2h"
    ).strip()
    config: Object = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    kubeconfig.chmod(0o600)
    return kubeconfig
