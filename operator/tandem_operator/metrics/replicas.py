"""Which pods are read: those whose owners end at our workload, and where their page is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_runtime.contract import environment, paths

Object = dict[str, Any]

METRICS_PORT = 8000


@dataclass(frozen=True)
class Replica:
    """One ready engine pod. ``shape`` names what its step times depend on."""

    pod: str
    uid: str
    address: str
    port: int
    lock: str
    shape: str
    speculation_loaded: bool
    tiers: tuple[int, ...]

    @property
    def url(self) -> str:
        """Its metrics page; the address is the pod's, never a name from a resource."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}/metrics"


def replicas_of(resource_uid: str, objects: Iterable[Object]) -> tuple[Replica, ...]:
    """Ready pods of the resource's own workload, by name.

    A pod that only carries our labels is not read: its counters would be a tenant's to invent.
    """
    held = list(objects)
    owners = {
        item["metadata"]["uid"]: item
        for item in held
        if item.get("kind") in ("Deployment", "ReplicaSet", "StatefulSet", "LeaderWorkerSet")
    }
    found = [
        _replica(pod)
        for pod in held
        if pod.get("kind") == "Pod" and _ready(pod) and _ends_at(pod, owners, resource_uid)
    ]
    return tuple(sorted(found, key=lambda replica: replica.pod))


def _ends_at(pod: Object, owners: dict[str, Object], resource_uid: str) -> bool:
    at: Object | None = pod
    for _ in range(4):
        controller = _controller(at) if at is not None else None
        if controller is None:
            return False
        if controller == resource_uid:
            return at is not pod
        at = owners.get(controller)
    return False


def _controller(item: Object) -> str | None:
    for reference in item["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return str(reference["uid"])
    return None


def _ready(pod: Object) -> bool:
    status = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp") or not status.get("podIP"):
        return False
    labels = pod["metadata"].get("labels") or {}
    if labels.get(names.LABEL_ROLE) != names.ROLE_ENGINE:
        return False
    conditions = status.get("conditions") or ()
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _shape(pod_spec: Object, container: Object) -> str:
    """Image, parallelism and accelerator, as far as the pod tells them: two pods that differ in
    none of these take as long for a step, but for their neighbours."""
    told = ("image", "command", "args", "resources")
    return names.digest(
        {
            "container": {key: container.get(key) for key in told},
            "nodeSelector": pod_spec.get("nodeSelector"),
            "runtimeClassName": pod_spec.get("runtimeClassName"),
        }
    )


def _metrics_port(container: Object) -> int:
    """The port of the page by its own name, else the API's."""
    ports = {p.get("name"): int(p["containerPort"]) for p in container.get("ports") or ()}
    return ports.get(paths.PORT_METRICS, ports.get("http", METRICS_PORT))


def _replica(pod: Object) -> Replica:
    container = next(
        (c for c in pod["spec"]["containers"] if c["name"] == names.CONTAINER_MAIN),
        pod["spec"]["containers"][0],
    )
    variables = {v["name"]: v.get("value") or "" for v in container.get("env") or ()}
    tiers = tuple(int(tier) for tier in variables.get(environment.TIERS, "").split(",") if tier)
    labels = pod["metadata"].get("labels") or {}
    return Replica(
        pod=pod["metadata"]["name"],
        uid=pod["metadata"]["uid"],
        address=pod["status"]["podIP"],
        port=_metrics_port(container),
        lock=labels.get(names.LABEL_LOCK, ""),
        shape=_shape(pod["spec"], container),
        speculation_loaded=int(variables.get(environment.MAX_TOKENS) or 0) > 0,
        tiers=tiers,
    )
