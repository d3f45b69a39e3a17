"""Operators as processes beside an API server, under the chart's own rights, and a hand kubelet.

There is no node here: the controllers of the control plane make the pods, and the tests say in the
kubelet's place that a pod runs or what its container left behind.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from hack.cluster.audit import Write
from hack.cluster.cluster import Cluster
from tandem_runtime.contract import report as pair_report
from tandem_runtime.contract.report import LockFailure, PairReport

Object = dict[str, Any]

REPOSITORY = Path(__file__).parents[2]
SYSTEM_NAMESPACE = "tandem-system"
LEASE = "tandem"
USER = f"system:serviceaccount:{SYSTEM_NAMESPACE}:tandem"
PATHS: Mapping[str, str] = {
    "specdep": "apis/tandem.dev/v1alpha1/namespaces/{}/speculativedeployments",
    "deployments": "apis/apps/v1/namespaces/{}/deployments",
    "replicasets": "apis/apps/v1/namespaces/{}/replicasets",
    "controllerrevisions": "apis/apps/v1/namespaces/{}/controllerrevisions",
    "jobs": "apis/batch/v1/namespaces/{}/jobs",
    "poddisruptionbudgets": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "services": "api/v1/namespaces/{}/services",
    "configmaps": "api/v1/namespaces/{}/configmaps",
    "pods": "api/v1/namespaces/{}/pods",
    "podmonitors": "apis/monitoring.coreos.com/v1/namespaces/{}/podmonitors",
    "leases": "apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "events": "apis/events.k8s.io/v1/namespaces/{}/events",
}
CHILDREN = (
    "deployments",
    "controllerrevisions",
    "jobs",
    "services",
    "configmaps",
    "poddisruptionbudgets",
)
LABEL = "tandem.dev/deployment"


def wait(what: str, holds: Callable[[], bool], timeout_s: float = 30.0) -> float:
    """Seconds until it held; fails when it does not."""
    began_s = time.monotonic()
    while not holds():
        if time.monotonic() - began_s > timeout_s:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.1)
    return time.monotonic() - began_s


class Server:
    """The API server, asked as its administrator."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._http = httpx.Client(
            base_url=cluster.url,
            verify=ssl.create_default_context(cafile=cluster.authority),
            headers={"Authorization": f"Bearer {cluster.token}"},
            timeout=20,
        )

    def close(self) -> None:
        self._http.close()

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """The object, or None when it does not exist."""
        answer = self._http.get(f"/{PATHS[kind].format(namespace)}/{name}")
        return None if answer.status_code == 404 else _read(answer)

    def all_of(self, kind: str, namespace: str, label: str | None = LABEL) -> list[Object]:
        """Objects of a kind that carry the label, oldest first."""
        query = {} if label is None else {"labelSelector": label}
        answer = self._http.get(f"/{PATHS[kind].format(namespace)}", params=query)
        found: list[Object] = _read(answer)["items"]
        return sorted(found, key=lambda held: str(held["metadata"]["creationTimestamp"]))

    def create(self, kind: str, namespace: str, body: Object) -> Object:
        return _read(self._http.post(f"/{PATHS[kind].format(namespace)}", json=body))

    def patch(self, kind: str, namespace: str, name: str, change: Object) -> Object:
        """A merge patch; `name` may end in a subresource (`chat/scale`)."""
        answer = self._http.patch(
            f"/{PATHS[kind].format(namespace)}/{name}",
            json=change,
            headers={"Content-Type": "application/merge-patch+json"},
        )
        return _read(answer)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        _read(self._http.delete(f"/{PATHS[kind].format(namespace)}/{name}"))

    def writes(self) -> list[Write]:
        """Every write of any operator so far but those of Leases, oldest first."""
        return [write for write in self._cluster.writes(USER) if write.resource != "leases"]


def _read(answer: httpx.Response) -> Object:
    assert answer.is_success, answer.text
    found: Object = answer.json()
    return found


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
        found = self.server.get("specdep", self.namespace, self.name)
        assert found is not None
        return found

    def condition(self, kind: str) -> tuple[str, str] | None:
        """Status and reason, once the condition is about the present generation."""
        held = self._condition(kind)
        return None if held is None else (held["status"], held["reason"])

    def message(self, kind: str) -> str:
        held = self._condition(kind)
        return "" if held is None else str(held["message"])

    def _condition(self, kind: str) -> Object | None:
        resource = self.resource()
        for held in resource.get("status", {}).get("conditions", []):
            if held["type"] == kind:
                current = held["observedGeneration"] == resource["metadata"]["generation"]
                return dict(held) if current else None
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
            f"{kind}/{held['metadata']['name']}": (
                held["metadata"]["uid"],
                held["metadata"]["resourceVersion"],
            )
            for kind in (*CHILDREN, "pods")
            for held in self.all_of(kind)
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
        wait(f"a lock pod in {self.namespace}", lambda: bool(self._looking()))
        (pod,) = self._looking()
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

    def _looking(self) -> list[Object]:
        return [pod for pod in self.pods("lock") if pod["status"]["phase"] == "Pending"]

    def start_engines(self) -> None:
        """Each engine pod that does not run yet becomes Ready."""
        for pod in self.pods("engine"):
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
                said = {
                    "phase": "Running",
                    "conditions": conditions,
                    "containerStatuses": [container],
                }
                self._say(pod, said)

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


def _container(name: str) -> Object:
    return {"name": name, "ready": False, "restartCount": 0, "image": "image", "imageID": "image"}


@dataclass
class Operators:
    """Starts and ends operator processes. All of them use the one Lease of the chart."""

    cluster: Cluster
    folder: Path
    kubeconfig: Path
    running: dict[str, Process] = field(default_factory=dict)

    def start(self, identity: str) -> Process:
        """Start one and wait until it is Ready (synced); leading or standing by."""
        made = self.launch(identity)
        wait(f"{identity} is Ready", made.ready)
        return made

    def launch(self, identity: str) -> Process:
        """Start one and wait for nothing."""
        port = _free_port()
        log = self.folder / f"{identity}-{port}.log"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
            "TANDEM_RUNTIME_IMAGE": "registry.example/tandem-runtime:0.1.0",
            "TANDEM_NAMESPACE": SYSTEM_NAMESPACE,
            "TANDEM_LEASE": LEASE,
            "TANDEM_IDENTITY": identity,
            "TANDEM_HTTP_PORT": str(port),
            "TANDEM_LOG_FORMAT": "text",
        }
        with log.open("wb") as out:
            child = subprocess.Popen(
                [sys.executable, "-m", "tandem_operator"],
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        made = Process(identity, child, port, log)
        self.running[identity] = made
        return made

    def kill(self, identity: str) -> None:
        self.running.pop(identity).end(signal.SIGKILL)

    def stop(self, identity: str) -> int:
        """End it as a kubelet does; returns its exit status."""
        return self.running.pop(identity).end(signal.SIGTERM)

    def end(self) -> None:
        for identity in list(self.running):
            self.kill(identity)


@dataclass(frozen=True)
class Process:
    identity: str
    child: subprocess.Popen[bytes]
    port: int
    log: Path

    def ready(self) -> bool:
        assert self.child.poll() is None, self.said()
        return self._page("readyz") is not None

    def leads(self) -> bool:
        return "tandem_operator_leading 1.0" in self.metrics()

    def metrics(self) -> str:
        return self._page("metrics") or ""

    def said(self) -> str:
        return self.log.read_text()

    def end(self, number: signal.Signals) -> int:
        self.child.send_signal(number)
        try:
            return self.child.wait(timeout=15)
        finally:
            self.child.kill()

    def _page(self, path: str) -> str | None:
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.port}/{path}", timeout=5)
        except httpx.TransportError:
            return None
        return answer.text if answer.is_success else None


def install_rights(cluster: Cluster, folder: Path) -> Path:
    """The chart's service account, rights and Lease; returns a kubeconfig of that account."""
    cluster.run("create", "namespace", SYSTEM_NAMESPACE)
    done = subprocess.run(
        [
            str(cluster.helm),
            "template",
            "tandem",
            str(REPOSITORY / "charts" / "tandem"),
            f"--namespace={SYSTEM_NAMESPACE}",
            "--show-only=templates/rbac.yaml",
            "--show-only=templates/serviceaccount.yaml",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cluster.apply(done.stdout)
    return kubeconfig_of(cluster, folder, SYSTEM_NAMESPACE, "tandem")


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


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
