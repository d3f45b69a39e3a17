"""One resource in a namespace of its own, with a hand kubelet.

There is no node here: the controllers of the control plane make the pods, and the tests say in the
kubelet's place that a pod runs or what its container left behind.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract import report as pair_report
from tandem_runtime.contract.report import LockFailure, PairReport
from tests.cluster.outside.server import CHILDREN, NotFoundError, Server
from tests.cluster.outside.waiting import wait

Object = dict[str, Any]


@dataclass
class Room:
    """One namespace with one resource, and the kubelet's words about its pods."""

    server: Server
    namespace: str
    name: str = "chat"

    def create(self, **spec: Any) -> None:
        self.server.create(
            "specdep",
            self.namespace,
            {
                "apiVersion": "tandem.dev/v1alpha1",
                "kind": "SpeculativeDeployment",
                "metadata": {"name": self.name},
                "spec": {
                    "target": {"uri": "hf://org/target"},
                    "draft": {"uri": "hf://org/draft"},
                    "speculation": {"method": "DraftModel", "maxTokens": 7},
                    "engine": {"type": "vLLM", "image": "vllm/vllm-openai:v0.32.0"},
                    "accelerator": {"resource": "None"},
                    **spec,
                },
            },
        )

    # What is there.

    def resource(self) -> Object:
        stored = self.server.get("specdep", self.namespace, self.name)
        assert stored is not None
        return stored

    def condition(self, kind: str) -> tuple[str, str] | None:
        """Status and reason, once the condition is about the present generation."""
        current = self._condition(kind)
        return None if current is None else (current["status"], current["reason"])

    def message(self, kind: str) -> str:
        current = self._condition(kind)
        return "" if current is None else str(current["message"])

    def _condition(self, kind: str) -> Object | None:
        resource = self.resource()
        for each in resource.get("status", {}).get("conditions", []):
            if each["type"] == kind:
                current = each["observedGeneration"] == resource["metadata"]["generation"]
                return dict(each) if current else None
        return None

    def get(self, kind: str, name: str | None = None) -> Object | None:
        return self.server.get(kind, self.namespace, name or self.name)

    def all_of(self, kind: str) -> list[Object]:
        return self.server.all_of(kind, self.namespace)

    def pods(self, role: str) -> list[Object]:
        """Pods that are not on their way out."""
        return [
            pod
            for pod in self.server.all_of("pods", self.namespace, f"tandem.dev/role={role}")
            if "deletionTimestamp" not in pod["metadata"]
        ]

    def versions(self) -> dict[str, tuple[str, str]]:
        """UID and resourceVersion of each child, and of each pod."""
        return {
            f"{kind}/{raw['metadata']['name']}": (
                raw["metadata"]["uid"],
                raw["metadata"]["resourceVersion"],
            )
            for kind in (*CHILDREN, "pods")
            for raw in self.all_of(kind)
        }

    # What the user and the kubelet do.

    def edit(self, **spec: Any) -> None:
        self.server.patch("specdep", self.namespace, self.name, {"spec": spec})

    def scale(self, replicas: int) -> None:
        self.server.patch(
            "specdep", self.namespace, f"{self.name}/scale", {"spec": {"replicas": replicas}}
        )

    def end_lock(self, outcome: PairReport | LockFailure) -> None:
        """The pod of the one lock Job that has not ended leaves this outcome."""
        wait(f"a lock pod in {self.namespace}", lambda: bool(self._inspecting()))
        (pod,) = self._inspecting()
        good = isinstance(outcome, PairReport)
        ended = {
            "exitCode": 0 if good else 3,
            "reason": "Completed" if good else "Error",
            "message": pair_report.render(outcome),
            "finishedAt": "2026-01-02T03:04:05Z",
        }
        container = {**_container("tandem-lock"), "state": {"terminated": ended}}
        phase = "Succeeded" if good else "Failed"
        self._say(pod, {"phase": phase, "containerStatuses": [container]})

    def _inspecting(self) -> list[Object]:
        return [pod for pod in self.pods("lock") if pod["status"]["phase"] == "Pending"]

    def start_engines(self, *roles: str) -> None:
        """Each engine pod, or each pod of these roles, that does not run yet becomes Ready."""
        for pod in (pod for role in roles or ("engine",) for pod in self.pods(role)):
            if pod["status"]["phase"] == "Pending":
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                container = {
                    **_container("main"),
                    "ready": True,
                    "started": True,
                    "state": {"running": {"startedAt": now}},
                }
                conditions = [
                    {"type": kind, "status": "True", "lastTransitionTime": now}
                    for kind in ("PodScheduled", "Initialized", "ContainersReady", "Ready")
                ]
                status = {
                    "phase": "Running",
                    "conditions": conditions,
                    "containerStatuses": [container],
                }
                with suppress(NotFoundError):  # a rollout ended it since it was listed
                    self._say(pod, status)

    def say(self, pod: Object, *containers: Object, **status: Any) -> None:
        """What a kubelet says of a pod, and of containers made by `container`."""
        self._say(pod, {"containerStatuses": list(containers), **status})

    def _say(self, pod: Object, status: Object) -> None:
        name = pod["metadata"]["name"]
        self.server.patch("pods", self.namespace, f"{name}/status", {"status": status})

    # What a test waits for.

    def settle(self, replicas: int, timeout_s: float = 30.0) -> None:
        """Engines start as they come; until all are of the newest revision and nothing is left."""

        def settled() -> bool:
            self.start_engines()
            status = self.resource().get("status", {})
            deployment = self.get("deployments")
            return (
                self.condition("Ready") == ("True", "Serving")
                and self._condition("Reconciling") is None
                and status.get("readyReplicas") == replicas
                and deployment is not None
                and deployment["status"].get("replicas") == replicas
                and len(self.pods("engine")) == replicas
                and all("completionTime" in job["status"] for job in self.all_of("jobs"))
            )

        wait(f"{self.namespace} serves with {replicas}", settled, timeout_s)

    def serve(self, outcome: PairReport, **spec: Any) -> None:
        """From nothing to a pair that serves."""
        self.create(**spec)
        self.end_lock(outcome)
        self.settle(spec.get("replicas", 1))


def container(name: str, state: Object, **more: Any) -> Object:
    """What a kubelet says of one container."""
    return {**_container(name), "state": state, **more}


def _container(name: str) -> Object:
    return {"name": name, "ready": False, "restartCount": 0, "image": "image", "imageID": "image"}
