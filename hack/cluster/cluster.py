"""A Kubernetes that runs, whoever made it: how to reach it, load images into it and end it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from hack.cluster.control_plane import audit
from hack.cluster.control_plane.audit import Write


class Provider(StrEnum):
    """Who makes the cluster: it runs already, kind, or the programs of this machine."""

    CURRENT = "current"
    KIND = "kind"
    LOCAL = "local"


class ClusterError(Exception):
    """The cluster refused something; the message has its words and what to do."""


@dataclass(frozen=True)
class Cluster:
    """Handle of a running cluster.

    `token` and `authority` (path of the CA certificate) are None where only the kubeconfig knows
    them; `services` is the range of ClusterIPs (CIDR); `audit_log` a file of JSON lines, one for
    each finished write (None where the API server is not ours); `host_address` is where pods reach
    servers of this machine.
    """

    name: str
    provider: Provider
    kubeconfig: Path
    url: str
    kubectl: Path
    helm: Path
    token: str | None = field(default=None, repr=False)
    authority: Path | None = None
    services: str | None = None
    audit_log: Path | None = None
    host_address: str | None = None
    load_image: Callable[[Path], None] | None = field(default=None, repr=False)
    plain_registry: Callable[[str], None] | None = field(default=None, repr=False)
    end: Callable[[], None] = field(default=lambda: None, repr=False)

    def kubectl_command(self) -> list[str]:
        return [str(self.kubectl), f"--kubeconfig={self.kubeconfig}"]

    def how_to_reach(self) -> str:
        return f"export KUBECONFIG={self.kubeconfig} PATH={self.kubectl.parent}:$PATH"

    def run(self, *words: str, stdin: str | None = None, timeout_s: float = 60.0) -> str:
        """Run kubectl and return what it printed. Raises ClusterError with its words."""
        done = subprocess.run(
            [*self.kubectl_command(), *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(words)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, manifest: str) -> None:
        """Apply a YAML or JSON stream server-side. Raises ClusterError."""
        self.run("apply", "--server-side", "-f", "-", stdin=manifest)

    def install_crds(self, folder: Path) -> None:
        """Apply the CRDs of a folder and wait until the API server serves them."""
        self.run("apply", "--server-side", "-f", str(folder))
        self.wait_established("-f", str(folder))

    def wait_established(self, *what: str, timeout_s: float = 30.0) -> None:
        """Until the API server serves these definitions. Raises ClusterError."""
        end_s = time.monotonic() + timeout_s
        while True:
            try:
                self.run("wait", "--for=condition=Established", "--timeout=30s", *what)
                return
            except ClusterError as error:
                # kubectl gives up on a definition that has no list of conditions yet.
                if "accessor error" not in str(error) or time.monotonic() > end_s:
                    raise

    def make_namespace(self, name: str) -> None:
        """A namespace in which pods can start: its default service account is there."""
        self.run("create", "namespace", name)
        words = ("--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=30s")
        self.run("wait", *words)

    def writes(self, user: str = "") -> list[Write]:
        """Finished writes by users whose name begins with `user`.

        Raises ClusterError without an audit log.
        """
        if self.audit_log is None:
            raise ClusterError(f"{self.name} ({self.provider}) shows no audit log: CLUSTER=local")
        return audit.writes(self.audit_log, user)

    def load(self, archive: Path) -> None:
        """Load a docker-archive into the node. Raises ClusterError where no node can take one."""
        if self.load_image is None:
            raise ClusterError(
                f"images cannot be loaded into {self.name} ({self.provider}): push them to a "
                "registry that its nodes reach, or use CLUSTER=local or CLUSTER=kind"
            )
        self.load_image(archive)

    def pull_plainly(self, registry: str) -> None:
        """Let the nodes pull from `host:port` without TLS. Raises ClusterError elsewhere."""
        if self.plain_registry is None:
            raise ClusterError(
                f"the nodes of {self.name} ({self.provider}) are not told to pull from {registry} "
                "without TLS: use CLUSTER=local"
            )
        self.plain_registry(registry)
