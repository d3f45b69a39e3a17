"""The Deployment: the newest locked revision's own pod template, at the replicas asked for now."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.children.revision import Revision
from tandem_operator.planning.children.service import PORT, PORT_NAME
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract import paths

Object = dict[str, Any]

HISTORY = 3


def body(resource: Resource, revision: Revision) -> Object:
    """Only `replicas` comes from the live spec; everything else from the revision."""
    labels = names.engine_labels(resource.name)
    rollout = revision.rollout
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": ownership.metadata(
            resource, "Deployment", names.deployment(resource.name), labels
        ),
        "spec": {
            "replicas": resource.spec.replicas,
            "selector": {"matchLabels": labels},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {
                    "maxUnavailable": rollout.max_unavailable,
                    "maxSurge": rollout.max_surge,
                },
            },
            "minReadySeconds": rollout.min_ready_s,
            "progressDeadlineSeconds": rollout.progress_deadline_s,
            "revisionHistoryLimit": HISTORY,
            "template": revision.template,
        },
    }


def port(template: Object) -> str | int:
    """The engine's serving port in a stored pod template: by its name, else its number."""
    ports = _ports(template)
    if any(each.get("name") == PORT_NAME for each in ports):
        return PORT_NAME
    number: int = ports[0]["containerPort"] if ports else PORT
    return number


def metrics_port(template: Object) -> str:
    """The name of the port with the engine's page in a stored pod template."""
    named = any(each.get("name") == paths.PORT_METRICS for each in _ports(template))
    return paths.PORT_METRICS if named else PORT_NAME


def _ports(template: Object) -> list[Object]:
    containers: list[Object] = template["spec"]["containers"]
    main = next(each for each in containers if each["name"] == names.CONTAINER_MAIN)
    ports: list[Object] = main.get("ports", [])
    return ports
