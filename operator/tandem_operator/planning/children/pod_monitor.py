"""The PodMonitor, on clusters that serve the kind."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.children.service import PORT_NAME
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

API_VERSION = "monitoring.coreos.com/v1"
KIND = "PodMonitor"


def body(resource: Resource, port: str = PORT_NAME) -> Object:
    """Scrapes the engine's own page on the port of that name, with the plugin's series on it."""
    labels = names.engine_labels(resource.name)
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": ownership.metadata(resource, KIND, names.pod_monitor(resource.name), labels),
        "spec": {
            "selector": {"matchLabels": labels},
            "podMetricsEndpoints": [{"port": port, "path": "/metrics"}],
        },
    }
