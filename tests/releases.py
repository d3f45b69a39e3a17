"""Releases of the chart on a cluster: how a test begins without what another one left."""

from __future__ import annotations

import json
import subprocess

from hack.cluster.cluster import Cluster, ClusterError

RELEASE = "tandem"
DEFINITION = "speculativedeployments.tandem.dev"
_OF_THE_CLUSTER = "clusterroles,clusterrolebindings"
_OWNER = "meta.helm.sh/release-namespace"


def helm(cluster: Cluster, namespace: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run helm; the caller looks at its exit status."""
    command = [str(cluster.helm), f"--kubeconfig={cluster.kubeconfig}", f"--namespace={namespace}"]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False)


def remove_release(cluster: Cluster, namespace: str) -> None:
    """Nothing of the release is there, whatever state it was in: neither its namespace, nor its
    rights, nor the definition with all resources, which Helm keeps.

    Every step is taken, also when one before it failed. Raises ClusterError with all that failed.
    """
    done = helm(cluster, namespace, "uninstall", RELEASE, "--ignore-not-found", "--timeout=60s")
    # A release that Helm cannot remove goes with its namespace, where Helm keeps its record.
    ours = f"app.kubernetes.io/name={RELEASE}"
    steps = [
        ("namespace", namespace),
        (_OF_THE_CLUSTER, f"--selector={ours}"),
    ]
    if _owner_of_definition(cluster) in ("", namespace):
        steps.append(("customresourcedefinition", DEFINITION))
    failed = []
    for step in steps:
        try:
            words = ("delete", *step, "--ignore-not-found", "--timeout=120s")
            cluster.run(*words, timeout_s=150)
        except (ClusterError, subprocess.TimeoutExpired) as error:
            failed.append(str(error))
    if failed:
        raise ClusterError("\n".join([f"helm uninstall: {done.stderr.strip()}", *failed]))


def _owner_of_definition(cluster: Cluster) -> str:
    """The namespace of the release that has the definition; empty where none has."""
    words = ("get", "crd", DEFINITION, "--ignore-not-found", "--output=json")
    answer = cluster.run(*words)
    annotations = json.loads(answer)["metadata"].get("annotations", {}) if answer.strip() else {}
    return str(annotations.get(_OWNER, ""))
