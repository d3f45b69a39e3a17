"""The Service of the OpenAI API."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.engines.pod.container import PORT_NAME
from tandem_operator.planning import ownership
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract import paths

Object = dict[str, Any]

PORT = 80


def port_of(template: Object) -> str | int:
    """The engine's serving port in a stored pod template: by its name, else its number."""
    containers: list[Object] = template["spec"]["containers"]
    main = next(each for each in containers if each["name"] == paths.CONTAINER_MAIN)
    ports: list[Object] = main.get("ports", [])
    if any(each.get("name") == PORT_NAME for each in ports):
        return PORT_NAME
    number: int = ports[0]["containerPort"] if ports else PORT
    return number


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
