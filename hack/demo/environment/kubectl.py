"""kubectl as the demo's only hand on the cluster: what it does, a reader can type."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hack.cluster.cluster import Cluster, ClusterError


class DemoError(Exception):
    """The demo cannot go on; the message says what was wrong and what to look at."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl of a cluster, in one namespace."""

    cluster: Cluster
    namespace: str

    def command(self) -> list[str]:
        """The program with the words that every call begins with."""
        return [*self.cluster.kubectl_command(), f"-n={self.namespace}"]

    def run(self, *words: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        """Run kubectl; returns what it printed. Raises DemoError with its words when it fails."""
        named = (f"-n={self.namespace}", *words)
        try:
            return self.cluster.run(*named, stdin=stdin, timeout_s=timeout_s)
        except ClusterError as error:
            raise DemoError(str(error)) from error

    def say(self, *words: str) -> str:
        """What kubectl says, also when it fails: for a message about another failure."""
        try:
            return self.run(*words).strip()
        except DemoError as error:
            return str(error)

    def apply(self, manifest: str) -> None:
        self.run("apply", "--server-side", "-f", "-", stdin=manifest)

    def get(self, *words: str) -> Mapping[str, Any]:
        answer: Mapping[str, Any] = json.loads(self.run("get", *words, "-o", "json"))
        return answer

    def engine_pods(self, name: str) -> list[Mapping[str, Any]]:
        selector = f"tandem.dev/deployment={name},tandem.dev/role=engine"
        pods: list[Mapping[str, Any]] = self.get("pods", "-l", selector)["items"]
        return pods

    def pod_metrics(self, pod: str, port: int = 8000) -> str:
        """The pod's /metrics through the API server, so that it works with every provider."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:{port}/proxy/metrics"
        return self.run("get", "--raw", path, timeout_s=15)

    def wait_for(
        self,
        what: str,
        check: Callable[[], tuple[bool, str]],
        timeout_s: float,
        say: Callable[[str], None],
    ) -> None:
        """Check every second until it holds; each new detail is said once.

        Raises DemoError with the last detail when `timeout_s` has passed.
        """
        end_s = time.monotonic() + timeout_s
        reported = ""
        while True:
            satisfied, detail = check()
            if satisfied:
                return
            if detail != reported:
                say(f"{what}: {detail}")
                reported = detail
            if time.monotonic() > end_s:
                raise DemoError(f"{what}: not within {timeout_s:.0f} s. Last seen: {detail}")
            time.sleep(1)


def condition(resource: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    """One condition of a resource's status, or None."""
    conditions: list[Mapping[str, Any]] = resource.get("status", {}).get("conditions", [])
    return next((entry for entry in conditions if entry["type"] == kind), None)
