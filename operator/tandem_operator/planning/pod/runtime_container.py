"""What the containers of the runtime image share: restricted, endpoints, secrets of sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem_operator.api.spec import Spec
from tandem_operator.planning.pod import sources
from tandem_operator.planning.snapshot import Installation
from tandem_runtime.contract import environment

Object = dict[str, Any]

USER_ID = 65532
"""The images' own user; said only where a pod would make root of it. A namespace may demand others.
"""
SCRATCH = "tandem-tmp"
RESTRICTED: Object = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def body(
    name: str,
    command: list[str],
    variables: dict[str, str],
    mounts: list[Object],
    spec: Spec,
    runtime_image: str,
    installation: Installation,
    resources: Mapping[str, Any],
    pod_user: int | None = None,
) -> Object:
    """One container of the runtime image. Only containers made here see a source's secret.

    ``pod_user`` is the user id of the pod's own security context.
    """
    env = {**endpoints(installation), **variables, "HOME": "/tmp"}  # noqa: S108 (a pod's volume)
    container: Object = {
        "name": name,
        "image": runtime_image,
        "imagePullPolicy": installation.image_pull_policy,
        "command": command,
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "resources": dict(resources),
        "securityContext": _security_context(installation, pod_user),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [*mounts, {"name": SCRATCH, "mountPath": "/tmp"}],  # noqa: S108
    }
    secrets = [
        {"prefix": environment.PREFIXES[side], "secretRef": {"name": source.secret_name}}
        for side, source in sources.sides(spec).items()
        if source.secret_name is not None
    ]
    if secrets:
        container["envFrom"] = secrets
    return container


def _security_context(installation: Installation, pod_user: int | None) -> Object:
    """Restricted, with what the administrator says instead; null takes a field away."""
    user = {"runAsUser": USER_ID} if pod_user == 0 else {}
    wanted = {**RESTRICTED, **user, **installation.security_context}
    return {key: value for key, value in wanted.items() if value is not None}


def endpoints(installation: Installation) -> dict[str, str]:
    """Where hub and object store are, when the administrator says so."""
    held = {
        environment.HF_ENDPOINT: installation.hub_endpoint,
        environment.S3_ENDPOINT: installation.s3_endpoint,
    }
    return {name: value for name, value in held.items() if value is not None}


def scratch_volume() -> Object:
    """The only place such a container may write besides what it is told to."""
    return {"name": SCRATCH, "emptyDir": {}}
