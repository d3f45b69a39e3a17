"""The workload: the newest locked revision's own pods, at the replicas asked for now."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.base import Pods

Object = dict[str, Any]


def body(resource: Resource, revision: Revision, replicas: int | None = None) -> Object:
    """Only `replicas` comes from the live spec (None) or the caller; the rest from the revision."""
    kind = revision.kind
    labels = names.engine_labels(resource.name)
    metadata = ownership.metadata(resource, kind.kind, kind.name(resource.name), labels)
    return kind.body(
        metadata,
        Pods(
            replicas=resource.spec.replicas if replicas is None else replicas,
            selector=labels,
            template=revision.template,
            rollout=revision.rollout,
            workers=revision.workers,
        ),
    )
