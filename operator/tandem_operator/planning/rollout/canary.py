"""The canary: one pod with the draft beside those without it, behind the same Service.

It is a Deployment of its own, controlled by the resource. Its selector has one label more than the
others', so neither takes the other's pods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.pod import wait as engine_wait
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.base import Pods
from tandem_operator.workloads.deployment import DEPLOYMENT
from tandem_operator.workloads.pods import is_over

Object = dict[str, Any]

MARK = {names.LABEL_CANARY: "true"}


@dataclass(frozen=True)
class Canary:
    """How it stands. ``waiting`` is why its pod is not ready, where anybody knows.

    It exists until its pod has left too: before that its accelerator is not free.
    """

    exists: bool = False
    pods: tuple[Object, ...] = ()
    waiting: str | None = None


def body(resource: Resource, revision: Revision) -> Object:
    """One replica of the revision's pods, marked."""
    labels = {**names.engine_labels(resource.name), **MARK}
    name = names.canary(resource.name, revision.lock_hash)
    template = revision.template
    metadata = template["metadata"]
    marked = {**metadata, "labels": {**metadata.get("labels", {}), **MARK}}
    return DEPLOYMENT.body(
        ownership.metadata(resource, DEPLOYMENT.kind, name, labels),
        Pods(
            replicas=1,
            selector=labels,
            template={**template, "metadata": marked},
            rollout=revision.rollout,
        ),
    )


def read(resource: Resource, observed: ObservedObjects) -> Canary:
    """Any canary of the resource, whatever its lock."""
    canaries = all_of(resource, observed)
    if not canaries:
        return Canary(exists=_leaves(resource, observed))
    objects = tuple(observed.objects)
    pods = [pod for each in canaries for pod in DEPLOYMENT.pods(each, objects)]
    counts = [DEPLOYMENT.read(each, objects) for each in canaries]
    refused = next((each.refused for each in counts if each.refused is not None), None)
    failed = [pod for each in canaries for pod in DEPLOYMENT.failed(each, objects)]
    return Canary(True, tuple(pods), refused or engine_wait.hindrance(pods, failed))


def _leaves(resource: Resource, observed: ObservedObjects) -> bool:
    wanted = {**names.engine_labels(resource.name), **MARK}.items()
    return any(
        wanted <= (pod["metadata"].get("labels") or {}).items() and not is_over(pod)
        for pod in observed.all_of("Pod")
    )


def all_of(resource: Resource, observed: ObservedObjects) -> list[Object]:
    """Canaries that stand; a reconciliation ends those that nothing asks for."""
    prefix = names.canary(resource.name, "")
    return [
        raw
        for raw in observed.all_ours(DEPLOYMENT.kind)
        if raw["metadata"]["name"].startswith(prefix)
        and MARK.items() <= (raw["metadata"].get("labels") or {}).items()
    ]
