"""The PodMonitor, on clusters that serve the kind."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.children.service import PORT_NAME
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.snapshot import Installation

Object = dict[str, Any]

API_VERSION = "monitoring.coreos.com/v1"
KIND = "PodMonitor"


def body(resource: Resource, installation: Installation) -> Object:
    """Scrapes the engine's own page, with the plugin's series beside the engine's."""
    labels = names.engine_labels(resource.name)
    endpoint = {"port": PORT_NAME, "path": "/metrics"}
    if installation.pod_monitor_interval is not None:
        endpoint["interval"] = installation.pod_monitor_interval
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": ownership.metadata(
            resource,
            KIND,
            names.pod_monitor(resource.name),
            {**installation.pod_monitor_labels, **labels},
        ),
        "spec": {
            "selector": {"matchLabels": labels},
            # So that series of pods say whose they are: label tandem_dev_deployment.
            "podTargetLabels": [names.LABEL_DEPLOYMENT],
            "podMetricsEndpoints": [endpoint],
        },
    }
