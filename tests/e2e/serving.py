"""What the tests do with the served pair, in the words of the tests."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from hack.cluster.cluster import Cluster
from hack.demo.environment.kubectl import Kubectl, condition
from hack.demo.environment.setup import SYSTEM_NAMESPACE, Images
from hack.demo.load import Phase, Request, run_phase
from hack.demo.phases import prompts
from tandem_operator.metrics.page import parse

NAME = "chat"
OPERATOR = f"system:serviceaccount:{SYSTEM_NAMESPACE}:tandem"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Engine:
    """One engine pod, read at its own address."""

    pod: str
    address: str

    def gauge(self, name: str) -> float | None:
        """One value of its metrics page, None when it is not there."""
        samples = self.all(name)
        return samples[0][1] if samples else None

    def all(self, name: str) -> Sequence[tuple[Mapping[str, str], float]]:
        """All series of a name, with their labels."""
        text = httpx.get(f"http://{self.address}:8000/metrics", timeout=10).text
        return parse(text, (name,)).all(name)


@dataclass(frozen=True)
class Serving:
    cluster: Cluster
    kubectl: Kubectl
    images: Images
    models: Path
    """The folder behind the claim `models`, as this machine sees it."""
    name: str = NAME
    """The resource that is served."""

    def manifest(self, name: str, **spec: Any) -> dict[str, Any]:
        """The tiny pair on vLLM on CPU, with changes at the top level of spec."""
        return {
            "apiVersion": "tandem.dev/v1alpha1",
            "kind": "SpeculativeDeployment",
            "metadata": {"name": name, "namespace": self.kubectl.namespace},
            "spec": {
                "target": {"uri": "pvc://models/target"},
                "draft": {"uri": "pvc://models/draft"},
                "speculation": {"method": "DraftModel", "maxTokens": 7, "initialTokens": 3},
                "engine": {
                    "type": "vLLM",
                    "image": self.images.engine,
                    "args": ["--dtype=float32", "--enforce-eager", "--max-model-len=512"],
                    "env": [{"name": "VLLM_CPU_KVCACHE_SPACE", "value": "1"}],
                },
                "accelerator": {"resource": "None"},
                "tuning": {"mode": "Fixed"},
                "template": {
                    "spec": {
                        "containers": [
                            {
                                "name": "main",
                                "volumeMounts": [
                                    {
                                        "name": "vllm-environment",
                                        "mountPath": "/opt/vllm",
                                        "readOnly": True,
                                    }
                                ],
                            }
                        ],
                        "volumes": [
                            {
                                "name": "vllm-environment",
                                "persistentVolumeClaim": {
                                    "claimName": "vllm-environment",
                                    "readOnly": True,
                                },
                            }
                        ],
                    }
                },
                **spec,
            },
        }

    def apply(self, name: str, **spec: Any) -> None:
        self.kubectl.apply(json.dumps(self.manifest(name, **spec)))

    def patch(self, spec: Mapping[str, Any]) -> None:
        """A merge patch of the served resource's spec, as a user would write it."""
        words = ("patch", "specdep", self.name, "--type=merge", "-p", json.dumps({"spec": spec}))
        self.kubectl.run(*words)

    def resource(self, name: str | None = None) -> Object:
        return self.kubectl.get("specdep", name or self.name)

    def condition(self, kind: str, name: str | None = None) -> Object | None:
        return condition(self.resource(name), kind)

    def wait_ready(self, name: str, timeout_s: float) -> None:
        def settled() -> bool:
            resource = self.resource(name)
            status = resource.get("status", {})
            ready = condition(resource, "Ready")
            return (
                ready is not None
                and ready["status"] == "True"
                and condition(resource, "Reconciling") is None
                and status.get("readyReplicas") == resource["spec"]["replicas"]
            )

        self.wait(f"{name} is Ready", settled, timeout_s)

    def engines(self) -> list[Engine]:
        """The ready engine pods, by name."""
        pods = []
        for pod in self.kubectl.engine_pods(self.name):
            ready = any(
                c["type"] == "Ready" and c["status"] == "True"
                for c in pod["status"].get("conditions", ())
            )
            if ready and not pod["metadata"].get("deletionTimestamp"):
                pods.append(Engine(pod["metadata"]["name"], pod["status"]["podIP"]))
        return sorted(pods, key=lambda engine: engine.pod)

    def restarts(self) -> dict[str, int]:
        """Container restarts by the UID of the pod."""
        return {
            pod["metadata"]["uid"]: sum(
                each["restartCount"] for each in pod["status"].get("containerStatuses", [])
            )
            for pod in self.kubectl.engine_pods(self.name)
        }

    def table(self) -> dict[str, Any]:
        """The speculation table as it stands in its ConfigMap."""
        maps = self.kubectl.get("configmaps", "-l", f"tandem.dev/deployment={self.name}")["items"]
        (text,) = [m["data"]["speculation.json"] for m in maps if "speculation.json" in m["data"]]
        document: dict[str, Any] = json.loads(text)
        return document

    def endpoint(self) -> str:
        service = self.kubectl.get("service", self.name)["spec"]
        return f"http://{service['clusterIP']}:{service['ports'][0]['port']}"

    def complete(self, prompt: str, tokens: int = 32, **marks: str) -> str:
        """One greedy completion through the Service; `marks` go along as `vllm_xargs`."""
        answer = httpx.post(
            f"{self.endpoint()}/v1/completions",
            json={
                "model": self.name,
                "prompt": prompt,
                "max_tokens": tokens,
                "temperature": 0,
                "vllm_xargs": marks,
            },
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        text: str = answer.json()["choices"][0]["text"]
        return text

    def writes(self) -> list[str]:
        """Every write of the operator so far but those of its own Lease, oldest first."""
        return [
            f"{write.verb} {write.resource} {write.name}"
            for write in self.cluster.writes(OPERATOR)
            if write.resource != "leases"
        ]

    def wait(self, what: str, holds: Callable[[], bool], timeout_s: float = 60) -> float:
        """Seconds until it held; fails with the resource's conditions when it does not."""
        began_s = time.monotonic()
        while not holds():
            if time.monotonic() - began_s > timeout_s:
                status = json.dumps(self.resource().get("status", {}), indent=1)
                raise AssertionError(f"not within {timeout_s:.0f} s: {what}\n{status}")
            time.sleep(0.05)
        return time.monotonic() - began_s


@contextmanager
def load(serving: Serving, clients: int) -> Iterator[list[Request]]:
    """Closed-loop clients for as long as the block runs; the list grows as requests end."""
    finished: list[Request] = []
    stop = threading.Event()
    endpoint = serving.endpoint()

    def drive() -> None:
        while not stop.is_set():
            phase = Phase("load", clients, prompts("code"), 1.0, output_tokens=24)
            asyncio.run(run_phase(endpoint, serving.name, phase, finished))

    thread = threading.Thread(target=drive)
    thread.start()
    try:
        yield finished
    finally:
        stop.set()
        thread.join(timeout=180)
