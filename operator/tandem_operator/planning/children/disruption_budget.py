"""The PodDisruptionBudget: a drained node takes one replica at a time."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.base import Workers

Object = dict[str, Any]

API_VERSION = "policy/v1"
KIND = "PodDisruptionBudget"


def bodies(resource: Resource, workers: Workers | None) -> list[Object]:
    """At most one replica missing; pods that are not ready never block a drain.

    The workers of replicas of several pods have one of their own, since a replica that lost one
    begins anew. With one replica a budget would only block every drain.
    """
    if resource.spec.replicas < 2:
        return []
    name = resource.name
    made = [_body(resource, names.disruption_budget(name), names.engine_labels(name))]
    if workers is not None:
        made.append(_body(resource, names.worker_budget(name), names.worker_labels(name)))
    return made


def needless(
    resource: Resource, workers: Workers | None, observed: ObservedObjects
) -> list[Object]:
    """Those that stand and are not asked for."""
    asked = {body["metadata"]["name"] for body in bodies(resource, workers)}
    own = (names.disruption_budget(resource.name), names.worker_budget(resource.name))
    budgets = (observed.ours(KIND, name) for name in own if name not in asked)
    return [each for each in budgets if each is not None]


def _body(resource: Resource, name: str, labels: dict[str, str]) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": ownership.metadata(resource, KIND, name, labels),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": labels},
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
        },
    }
