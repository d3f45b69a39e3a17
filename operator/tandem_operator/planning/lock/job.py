"""The Job that inspects a pair before anything is started."""

from __future__ import annotations

from typing import Any

from tandem_operator.api import names
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning import ownership
from tandem_operator.planning.children import common_metadata
from tandem_operator.planning.lock import cache as lock_cache
from tandem_operator.planning.lock import report as lock_report
from tandem_operator.planning.lock import request as lock_request
from tandem_operator.planning.pod import runtime_container, sources
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract import environment, paths, request
from tandem_runtime.contract.request import DRAFT, TARGET

Object = dict[str, Any]

RETRIES = 3
DEADLINE_S = 3600
"""Long, because a pod that waits for its claim counts too."""
SCHEDULING = (
    "nodeSelector",
    "tolerations",
    "affinity",
    "priorityClassName",
    "schedulerName",
    "hostAliases",
    "dnsPolicy",
    "dnsConfig",
)
"""What of spec.template the Job inherits: where it may run and how it finds its sources."""

QUEUE_LABELS = "kueue.x-k8s.io/"
"""Labels by which a queue decides when a Job may run."""


def scheduling(resource: Resource) -> Object:
    """What the Job's pod inherits."""
    inherited = (resource.spec.template or {}).get("spec", {})
    return {key: inherited[key] for key in SCHEDULING if key in inherited}


def scheduling_name(resource: Resource) -> str:
    """16 hex digits; a Job of other scheduling may wait, or fail, where this one would not."""
    queue = {
        key: value
        for key, value in common_metadata.labels_of(resource).items()
        if key.startswith(QUEUE_LABELS)
    }
    return names.digest({**scheduling(resource), **({"queue": queue} if queue else {})})


def body(resource: Resource, installation: Installation) -> Object:
    """The Job. Its spec is immutable, so a Job that exists is never applied again."""
    labels = {
        **names.lock_labels(resource.name),
        names.LABEL_LOCK: resource.input_hash,
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
    }
    shared = lock_cache.pair(resource, installation)
    if shared is not None:
        labels[names.LABEL_PAIR] = shared
    name = names.lock_job(resource.name, resource.input_hash)
    metadata = ownership.metadata(resource, "Job", name, labels)
    given = metadata.get("annotations", {})
    metadata["annotations"] = {
        **given,
        names.ANNOTATION_LOCK_SCHEDULING: scheduling_name(resource),
    }
    pod: Object = {"labels": {**common_metadata.labels_of(resource), **labels}}
    if given:
        pod["annotations"] = given
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {
            "backoffLimit": RETRIES,
            "activeDeadlineSeconds": DEADLINE_S,
            "podFailurePolicy": {
                "rules": [
                    # A pod that the cluster takes away says nothing of the pair.
                    {
                        "action": "Ignore",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    },
                    {
                        "action": "FailJob",
                        "onExitCodes": {
                            "containerName": paths.CONTAINER_LOCK,
                            "operator": "In",
                            "values": [lock_report.NOT_RETRIED_EXIT_CODE],
                        },
                    },
                ]
            },
            "template": {
                "metadata": pod,
                "spec": _pod(resource, installation),
            },
        },
    }


def _pod(resource: Resource, installation: Installation) -> Object:
    spec = resource.spec
    mounted = sources.mounted(spec, {TARGET: paths.SOURCE_TARGET, DRAFT: paths.SOURCE_DRAFT})
    asked = request.render(lock_request.made(resource, mounted.paths))
    pod: Object = {
        **scheduling(resource),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            runtime_container.body(
                paths.CONTAINER_LOCK,
                ["tandem-lock"],
                {environment.LOCK_REQUEST: asked},
                mounted.mounts,
                spec,
                installation.runtime_image,
                installation,
                installation.lock_resources,
            )
        ],
        "volumes": [*mounted.volumes, *runtime_container.volumes(installation)],
    }
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in spec.image_pull_secrets]
    if spec.service_account_name is not None:
        pod["serviceAccountName"] = spec.service_account_name
    return pod
