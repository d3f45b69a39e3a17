"""What the administrator configured for every pod that is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tandem_operator.engines.interface.rollout_times import RolloutTimes

LOCK_RESOURCES: Mapping[str, Any] = {
    "requests": {"cpu": "250m", "memory": "512Mi"},
    "limits": {"cpu": "2", "memory": "1Gi"},
}
FETCH_RESOURCES: Mapping[str, Any] = {
    "requests": {"cpu": "250m", "memory": "512Mi"},
    "limits": {"cpu": "4", "memory": "2Gi"},
}
"""Limits of both kinds, because a quota on limits admits no container without them; requests that
the least of managed clusters do not raise."""


@dataclass(frozen=True)
class CaBundle:
    """PEM certificates in a ConfigMap that each namespace with resources has."""

    config_map: str
    key: str


@dataclass(frozen=True)
class Installation:
    """What the administrator configured; from the chart, never from a resource.

    ``name`` tells installations apart: namespace and Lease.

    ``hub_endpoint`` and ``s3_endpoint`` None: the libraries' own defaults. ``pod_monitors`` says
    that the cluster serves PodMonitor. ``memory_bytes`` is the memory of one device by extended
    resource name. ``lock_resources`` and ``fetch_resources`` are those of the two
    containers of the runtime image, ``security_context`` stands over their restricted one,
    ``environment`` are variables of both (a proxy), ``ca_bundle`` the authorities that both trust.
    ``rollout_times`` say how long things last before a rollout that no change of a spec asked for.
    """

    runtime_image: str
    torch_image: str = "tandem-engine"
    image_pull_policy: str = "IfNotPresent"
    hub_endpoint: str | None = None
    s3_endpoint: str | None = None
    pod_monitors: bool = False
    memory_bytes: Mapping[str, int] = field(default_factory=dict)
    name: str | None = None
    lock_resources: Mapping[str, Any] = field(default_factory=lambda: LOCK_RESOURCES)
    fetch_resources: Mapping[str, Any] = field(default_factory=lambda: FETCH_RESOURCES)
    security_context: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    ca_bundle: CaBundle | None = None
    pod_monitor_labels: Mapping[str, str] = field(default_factory=dict)
    pod_monitor_interval: str | None = None
    rollout_times: RolloutTimes = field(default_factory=RolloutTimes)
