"""The PodDisruptionBudget: a drained node takes one replica at a time."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

API_VERSION = "policy/v1"
KIND = "PodDisruptionBudget"


def wanted(resource: Resource) -> bool:
    """With one replica a budget would only block every drain."""
    return resource.spec.replicas > 1


def body(resource: Resource) -> Object:
    """At most one replica missing; pods that are not ready never block a drain."""
    labels = names.engine_labels(resource.name)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": ownership.metadata(
            resource, KIND, names.disruption_budget(resource.name), labels
        ),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": labels},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
