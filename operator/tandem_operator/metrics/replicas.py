"""Which pods are read: those whose owners end at our workload, and where their page is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.pod.template import metrics_of
from tandem_operator.workloads import kinds
from tandem_operator.workloads.pods import controlled_by, is_ready
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
    path: str = "/metrics"
    canary: bool = False

    @property
    def url(self) -> str:
        """Its metrics page; the address is the pod's, never a name from a resource."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}{self.path}"


def replicas_of(resource_uid: str, objects: Iterable[Object]) -> tuple[Replica, ...]:
    """Ready pods of the resource's own workload, by name.

    A pod that only carries our labels is not read: its counters would be a tenant's to invent.
    """
    listed = list(objects)
    ready = [
        _replica(pod)
        for each in listed
        for kind in kinds.ALL
        if each.get("kind") == kind.kind and controlled_by(each, resource_uid)
        for pod in kind.pods(each, listed)
        if may_be_read(pod)
    ]
    return tuple(sorted(ready, key=lambda replica: replica.pod))


def may_be_read(pod: Object) -> bool:
    """Whether it is a ready engine pod with an address, whoever owns it."""
    labels = pod["metadata"].get("labels") or {}
    has_address = bool((pod.get("status") or {}).get("podIP"))
    return has_address and is_ready(pod) and labels.get(names.LABEL_ROLE) == names.ROLE_ENGINE


def _shape(pod: Object, container: Object) -> str:
    """Image, parallelism and accelerator, as far as the pod tells them: two pods that differ in
    none of these take as long for a step, but for their neighbours and their K."""
    keys = ("image", "command", "args", "resources")
    pod_spec, annotations = pod["spec"], pod["metadata"].get("annotations") or {}
    described = {key: container.get(key) for key in keys}
    if names.ANNOTATION_ARGUMENTS in annotations:
        described["args"] = _arguments(annotations[names.ANNOTATION_ARGUMENTS])
    return names.digest(
        {
            "container": described,
            "nodeSelector": pod_spec.get("nodeSelector"),
            "runtimeClassName": pod_spec.get("runtimeClassName"),
        }
    )


def _arguments(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _replica(pod: Object) -> Replica:
    containers = pod["spec"]["containers"]
    main = next((c for c in containers if c["name"] == paths.CONTAINER_MAIN), containers[0])
    variables = {v["name"]: v.get("value") or "" for v in main.get("env") or ()}
    tiers = tuple(int(tier) for tier in variables.get(environment.TIERS, "").split(",") if tier)
    labels = pod["metadata"].get("labels") or {}
    port, path = page_of(pod)
    return Replica(
        pod=pod["metadata"]["name"],
        uid=pod["metadata"]["uid"],
        address=pod["status"]["podIP"],
        port=port,
        path=path,
        lock=labels.get(names.LABEL_LOCK, ""),
        shape=_shape(pod, main),
        speculation_loaded=any(tiers) or int(variables.get(environment.MAX_TOKENS) or 0) > 0,
        tiers=tiers,
        canary=names.LABEL_CANARY in labels,
    )


def page_of(pod: Object) -> tuple[int, str]:
    """Port and path of a pod's metrics page, where the pod says it is.

    The port is that of its name in whichever container; a sidecar may be an init container.
    """
    metrics = metrics_of(pod)
    containers = (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ()))
    ports = (port for container in containers for port in container.get("ports") or ())
    numbers = (int(port["containerPort"]) for port in ports if port.get("name") == metrics.port)
    return next(numbers, METRICS_PORT), metrics.path


def of_one_lock(replicas: tuple[Replica, ...]) -> tuple[Replica, ...]:
    """Windows of two pairs never mix: the lock with the most ready replicas, then by hash."""
    by_lock: dict[str, list[Replica]] = {}
    for replica in replicas:
        by_lock.setdefault(replica.lock, []).append(replica)
    if not by_lock:
        return ()
    lock = max(sorted(by_lock), key=lambda lock_hash: len(by_lock[lock_hash]))
    return tuple(by_lock[lock])


def common_shape(replicas: tuple[Replica, ...]) -> str:
    """The shape of the most replicas: during a rollout the others are served, not learned from."""
    several = [replica for replica in replicas if not replica.canary] or replicas
    shapes = Counter(replica.shape for replica in several)
    return max(sorted(shapes), key=shapes.__getitem__)
