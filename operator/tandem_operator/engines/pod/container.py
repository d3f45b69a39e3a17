"""What the containers of all engines have alike: probes, mounts, variables, drain, devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.interface.launch import Launch
from tandem_operator.engines.pod import drain
from tandem_runtime.contract import environment, paths

Object = dict[str, Any]

PORT = 8000
PORT_NAME = "http"
PROBE_PERIOD_S = 5
HEALTH = "/health"

HARDENED: Object = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""What every engine's image bears; a stock image may run as root and write where it likes."""
POD_HARDENED: Object = {"seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED: Object = {
    **HARDENED,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    **POD_HARDENED,
}
"""What containers of the release's own images bear."""
USER_ID = 65532
"""The images' own user; said only where a pod would make root of it. A namespace may demand others.
"""


def served(
    launch: Launch,
    gauges: tuple[str, ...],
    *,
    port: int = PORT,
    health: str = HEALTH,
    ready: str | None = None,
    page: tuple[int, str] | None = None,
) -> Object:
    """The part of `main` that serves: port, probes, drain, devices and security.

    ``gauges`` are the full names of those that are zero while the engine has no request (see
    `drain`), on the ``page`` at that port and path (`/metrics` beside the API). ``health`` answers
    200 while the engine works, ``ready`` (the same path) while requests may come.
    """
    deadline_s = launch.spec.progress_deadline_seconds
    container: Object = {
        "name": paths.CONTAINER_MAIN,
        "ports": [{"name": PORT_NAME, "containerPort": port, "protocol": "TCP"}],
        "startupProbe": probe(health, deadline_s // PROBE_PERIOD_S + 1),
        "readinessProbe": probe(ready or health, 3),
        "livenessProbe": probe(health, 12),
        "lifecycle": {"preStop": drain.pre_stop(port, gauges)},
        "securityContext": dict(HARDENED),
    }
    if page is not None:
        container["lifecycle"] = {"preStop": drain.pre_stop(page[0], gauges, page[1])}
    return {**container, **devices(launch)}


def probe(path: str, failures: int, port: str = PORT_NAME) -> Object:
    """A GET every 5 s; so many failures in a row make it fail."""
    return {
        "httpGet": {"path": path, "port": port},
        "periodSeconds": PROBE_PERIOD_S,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def devices(launch: Launch) -> Object:
    """The key `resources` with the accelerators of one pod; nothing on CPU."""
    values = launch.values
    if values.accelerator_resource is None:
        return {}
    amount = {values.accelerator_resource: str(values.accelerator_count)}
    return {"resources": {"limits": amount, "requests": dict(amount)}}


def mounts(*, plugin: bool) -> list[Object]:
    """The planner's volumes, where the contract has them; ``plugin``: with the plugin's folder."""
    read_only = {
        paths.VOLUME_MODELS: paths.MODELS,
        **({paths.VOLUME_PLUGIN: paths.PLUGIN} if plugin else {}),
        paths.VOLUME_STATE: paths.STATE,
        paths.VOLUME_TABLE: paths.TABLE,
    }
    return [
        *({"name": name, "mountPath": at, "readOnly": True} for name, at in read_only.items()),
        {"name": paths.VOLUME_SHM, "mountPath": paths.SHM},
    ]


def owned_env(launch: Launch, tiers: tuple[int, ...], deepest: int | None = None) -> dict[str, str]:
    """Variables by which any engine's part of the contract finds its lock, table and tiers.

    ``deepest`` is the K that the engine makes room for, where its plugin asks for that.
    """
    room = {} if deepest is None else {environment.MAX_TOKENS: str(deepest)}
    return {
        environment.LOCK: launch.pod_lock,
        environment.TABLE_FILE: paths.TABLE_FILE,
        environment.DIGESTS_FILE: paths.DIGESTS_FILE,
        environment.METRICS_DIR: paths.METRICS,
        **room,
        environment.TIERS: ",".join(str(depth) for depth in tiers),
    }


def of_the_release(
    name: str,
    command: list[str],
    variables: Mapping[str, str],
    mounted: list[Object],
    image: str,
    installation: Installation,
    resources: Mapping[str, Any],
    pod_user: int | None = None,
) -> Object:
    """A container of one of the release's own images, restricted, with what the administrator says.

    ``pod_user`` is the user id of the pod's own security context. A field of
    `installation.security_context` that is null takes the restriction away.
    """
    user = {"runAsUser": USER_ID} if pod_user == 0 else {}
    context = {**RESTRICTED, **user, **installation.security_context}
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": installation.image_pull_policy,
        "command": command,
        "env": [{"name": key, "value": value} for key, value in variables.items()],
        "resources": dict(resources),
        "securityContext": {key: value for key, value in context.items() if value is not None},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounted,
    }
