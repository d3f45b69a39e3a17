"""The Service of the OpenAI API."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

PORT = 80
PORT_NAME = "http"


def body(resource: Resource, container_port: str | int = PORT_NAME) -> Object:
    """Port 80 of the Service reaches the engine's port of that name or number."""
    labels = names.engine_labels(resource.name)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": ownership.metadata(resource, "Service", names.service(resource.name), labels),
        "spec": {
            "selector": labels,
            "ports": [
                {
                    "name": PORT_NAME,
                    "port": PORT,
                    "targetPort": container_port,
                    "protocol": "TCP",
                }
            ],
        },
    }
