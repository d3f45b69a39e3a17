"""Which Kubernetes is used: the user's own, kind, or one made here; and how it is reached."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

from hack.cluster import binaries, local
from hack.cluster.binaries import CACHE, MissingProgramError
from hack.cluster.cluster import Cluster, ClusterError, Provider
from hack.cluster.node.containerd import ImageError
from hack.cluster.node.network import NetworkError
from hack.cluster.processes import StartError
from hack.cluster.state import every, load

ERRORS = (MissingProgramError, StartError, NetworkError, ClusterError, ImageError, ValueError)
"""What a caller shows to a person: each message says what was wrong and what to do."""


def chosen() -> Provider:
    """By `CLUSTER`, else kind where Docker answers and kind is installed, else local.

    Raises MissingProgramError for another word.
    """
    asked = os.environ.get("CLUSTER")
    if asked:
        try:
            return Provider(asked)
        except ValueError:
            choices = ", ".join(Provider)
            raise MissingProgramError(f"CLUSTER={asked}: give one of {choices}") from None
    return Provider.KIND if shutil.which("kind") and docker_answers() else Provider.LOCAL


def up(name: str, *, keep: bool) -> Cluster:
    """Start the cluster, or take it where it runs.

    Raises:
        MissingProgramError: what the machine lacks, with the remedy.
        StartError: a program failed; the end of its log.
    """
    provider = chosen()
    if provider is Provider.LOCAL:
        return local.up(name, keep=keep)
    kubectl, helm = _installed("kubectl"), _installed("helm")
    if provider is Provider.CURRENT:
        path = Path(os.environ.get("KUBECONFIG", Path.home() / ".kube" / "config"))
        if not path.exists():
            raise MissingProgramError(f"CLUSTER=current, and {path} does not exist")
        return Cluster(name, provider, path, _server(kubectl, path), kubectl, helm)
    kubeconfig = CACHE / "clusters" / f"{name}.kind.kubeconfig"
    kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    running = _run(["kind", "get", "clusters"]).split()
    if name in running:
        kubeconfig.write_text(_run(["kind", "get", "kubeconfig", f"--name={name}"]))
    else:
        config = kubeconfig.with_suffix(".config")
        config.write_text(_kind_config(CACHE))
        words = ["kind", "create", "cluster", f"--name={name}", f"--config={config}"]
        _run([*words, f"--kubeconfig={kubeconfig}"])

    def load_image(archive: Path) -> None:
        _run(["kind", "load", "image-archive", str(archive), f"--name={name}"])

    def end() -> None:
        _run(["kind", "delete", "cluster", f"--name={name}"])

    return Cluster(
        name,
        provider,
        kubeconfig,
        _server(kubectl, kubeconfig),
        kubectl,
        helm,
        load_image=load_image,
        end=end,
    )


def down(name: str) -> str:
    """End the cluster; returns what was done. A current cluster is the user's and stays."""
    provider = chosen()
    if provider is Provider.CURRENT:
        return "the current cluster is yours: nothing was done"
    if provider is Provider.KIND:
        _run(["kind", "delete", "cluster", f"--name={name}"])
        return f"cluster {name} is deleted"
    return f"cluster {name} is ended" if local.down(name) else f"no cluster {name} was running"


def status(name: str) -> str:
    """What runs, and how to reach it."""
    provider = chosen()
    if provider is not Provider.LOCAL:
        return f"provider {provider}; look with: kubectl cluster-info"
    others = [f"also here: {state.name}" for state in every() if state.name != name]
    state = load(name)
    if state is None:
        return "\n".join([f"provider local; no cluster {name}: make cluster-up", *others])
    lines = [f"provider local; cluster {name} {'runs' if state.running else 'is broken'}"]
    lines += [
        f"  {process.name:<24} {'pid ' + str(process.pid) if process.alive else 'ended'}"
        for process in state.processes
    ]
    kubectl = binaries.location() / "kubectl"
    lines += [f"  {kubectl} --kubeconfig {state.kubeconfig} get nodes", *others]
    return "\n".join(lines)


def docker_answers() -> bool:
    """Whether there is a Docker that this user may use."""
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(["docker", "info"], capture_output=True, timeout=20, check=False)
    return done.returncode == 0


def _server(kubectl: Path, kubeconfig: Path) -> str:
    path = "jsonpath={.clusters[0].cluster.server}"
    words = [str(kubectl), f"--kubeconfig={kubeconfig}", "config", "view", "--minify", "-o", path]
    return _run(words)


def _kind_config(folder: Path) -> str:
    """One node that sees the folder under its own path, for the volumes that name it."""
    mount = {"hostPath": str(folder), "containerPath": str(folder), "readOnly": True}
    node = {"role": "control-plane", "extraMounts": [mount]}
    return json.dumps({"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]})


def _installed(program: str) -> Path:
    executable = shutil.which(program)
    if executable is None:
        raise MissingProgramError(f"{program} is missing: install it, or use CLUSTER=local")
    return Path(executable)


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise MissingProgramError(f"{' '.join(words)}: {done.stderr.strip()[-500:]}")
    return done.stdout
