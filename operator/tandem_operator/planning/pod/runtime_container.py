"""What the containers of the runtime image share: restricted, endpoints, secrets of sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tandem_operator.api.spec import Spec
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.pod import container
from tandem_operator.planning.pod import sources
from tandem_runtime.contract import environment

Object = dict[str, Any]

SCRATCH = "tandem-tmp"
CA_VOLUME = "tandem-ca"
CA_FOLDER = "/etc/tandem-ca"
CA_FILE = "ca.crt"
CA_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
"""Where the libraries of the hub (httpx, requests) and of S3 (botocore) look for authorities."""


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
    env = {
        **installation.environment,
        **_authorities(installation),
        **endpoints(installation),
        **variables,
        "HOME": "/tmp",  # noqa: S108 (a pod's volume)
    }
    own_mounts: list[Object] = [{"name": SCRATCH, "mountPath": "/tmp"}]  # noqa: S108
    if installation.ca_bundle is not None:
        own_mounts.append({"name": CA_VOLUME, "mountPath": CA_FOLDER, "readOnly": True})
    made = container.of_the_release(
        name,
        command,
        env,
        [*mounts, *own_mounts],
        runtime_image,
        installation,
        resources,
        pod_user,
    )
    secrets = [
        {"prefix": environment.PREFIXES[side], "secretRef": {"name": source.secret_name}}
        for side, source in sources.sides(spec).items()
        if source.secret_name is not None
    ]
    if secrets:
        made["envFrom"] = secrets
    return made


def endpoints(installation: Installation) -> dict[str, str]:
    """Where hub and object store are, when the administrator says so."""
    variables = {
        environment.HF_ENDPOINT: installation.hub_endpoint,
        environment.S3_ENDPOINT: installation.s3_endpoint,
    }
    return {name: value for name, value in variables.items() if value is not None}


def _authorities(installation: Installation) -> dict[str, str]:
    if installation.ca_bundle is None:
        return {}
    return dict.fromkeys(CA_VARIABLES, f"{CA_FOLDER}/{CA_FILE}")


def volumes(installation: Installation) -> list[Object]:
    """The only place such a container may write besides what it is told to, and whom it trusts."""
    entries: list[Object] = [{"name": SCRATCH, "emptyDir": {}}]
    bundle = installation.ca_bundle
    if bundle is not None:
        items = [{"key": bundle.key, "path": CA_FILE}]
        entries.append(
            {"name": CA_VOLUME, "configMap": {"name": bundle.config_map, "items": items}}
        )
    return entries
