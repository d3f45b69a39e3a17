"""The PodMonitor, on clusters that serve the kind."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.interface.launch import Endpoint
from tandem_operator.planning import ownership
from tandem_operator.planning.resource import Resource

Object = dict[str, Any]

API_VERSION = "monitoring.coreos.com/v1"
KIND = "PodMonitor"


def body(resource: Resource, metrics: Endpoint, installation: Installation) -> Object:
    """Scrapes the engine's own page, with the plugin's series beside the engine's."""
    labels = names.engine_labels(resource.name)
    endpoint = {"port": metrics.port, "path": metrics.path}
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
