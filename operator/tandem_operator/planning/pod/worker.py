"""The pods of a replica beside the one that serves: rendered with it, and kept in its revision."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.interface.nodes import SpansNodes
from tandem_operator.planning.pod import merge as template_merge
from tandem_operator.planning.pod import template as pod_template
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads.base import Workers
from tandem_runtime.contract import paths
from tandem_runtime.contract.pod_lock import PodLock
from tandem_runtime.contract.report import PairReport

Object = dict[str, Any]

OF_A_SERVER = ("lifecycle", "livenessProbe", "ports", "readinessProbe", "startupProbe")
"""Fields of `main` in spec.template that mean the API, which a worker does not have."""


def render(
    resource: Resource,
    lock: PodLock,
    report: PairReport,
    driver: Driver,
    installation: Installation,
) -> Workers | None:
    """The workers of one replica; None where it is one pod."""
    pods = nodes.of(driver, resource.spec)
    if pods == 1 or not isinstance(driver, SpansNodes):
        return None
    launch = pod_template.launch_of(resource, lock, report, driver, installation)
    spec = pod_template.pod(resource, lock, launch, driver.worker(launch))
    # The leader says K with each step: nobody here would read the table.
    spec["volumes"] = [each for each in spec["volumes"] if each["name"] != paths.VOLUME_TABLE]
    base = {
        "metadata": pod_template.labelled(names.worker_labels(resource.name), lock),
        "spec": spec,
    }
    return Workers(pods - 1, template_merge.merged(base, _without_api(resource)))


def _without_api(resource: Resource) -> Object:
    """spec.template, as far as it is for a pod that serves nothing."""
    template: Object = resource.spec.template or {}
    spec: Object = template.get("spec") or {}
    if "containers" not in spec:
        return template
    containers = [
        {key: value for key, value in each.items() if key not in OF_A_SERVER}
        if each["name"] == paths.CONTAINER_MAIN
        else each
        for each in spec["containers"]
    ]
    return {**template, "spec": {**spec, "containers": containers}}
