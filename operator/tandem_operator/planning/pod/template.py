"""The engine's pod template of one locked input: rendered once, then kept in its revision."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tandem_operator.api import names
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.engines.interface.launch import Endpoint, EngineParts, Launch, PodParts
from tandem_operator.planning.pod import merge as template_merge
from tandem_operator.planning.pod import runtime_container, sources
from tandem_operator.planning.pod.sources import Mounted
from tandem_operator.planning.resource import Resource
from tandem_runtime.contract import environment, paths, pod_lock
from tandem_runtime.contract.pod_lock import LockedSide, PodLock
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import DRAFT, TARGET

Object = dict[str, Any]

FOLDERS = {TARGET: paths.TARGET, DRAFT: paths.DRAFT}
SHM_SIZE = "2Gi"


def render(
    resource: Resource,
    lock: PodLock,
    report: PairReport,
    driver: Driver,
    installation: Installation,
    *,
    without_speculation: bool = False,
) -> tuple[Object, EngineParts]:
    """The pod template, spec.template merged in, and the engine's parts it was made from."""
    launch = launch_of(resource, lock, report, driver, installation)
    parts = driver.render(replace(launch, without_speculation=without_speculation))
    metadata = labelled(names.engine_labels(resource.name), lock)
    if parts.metrics != Endpoint():
        metadata["annotations"] = {
            names.ANNOTATION_METRICS_PORT: parts.metrics.port,
            names.ANNOTATION_METRICS_PATH: parts.metrics.path,
        }
    spec = pod(resource, lock, launch, parts.leader)
    base = {"metadata": metadata, "spec": spec}
    merged: Object = template_merge.merged(base, resource.spec.template or {})
    return merged, parts


def launch_of(
    resource: Resource,
    lock: PodLock,
    report: PairReport,
    driver: Driver,
    installation: Installation,
) -> Launch:
    """Everything that an engine is rendered from."""
    return Launch(
        name=resource.name,
        spec=resource.spec,
        lock_hash=lock.hash,
        pod_lock=pod_lock.render(replace(lock, plugin=driver.plugin)),
        report=report,
        installation=installation,
    )


def labelled(labels: dict[str, str], lock: PodLock) -> Object:
    """The metadata of a pod with these labels, the lock's among them."""
    own_labels = {names.LABEL_LOCK: lock.hash, names.LABEL_MANAGED_BY: names.MANAGED_BY}
    return {"labels": {**labels, **own_labels}}


def metrics_of(pod: Object) -> Endpoint:
    """Where a pod, or the pods of a template, show their metrics."""
    annotations: dict[str, str] = pod["metadata"].get("annotations") or {}
    return Endpoint(
        annotations.get(names.ANNOTATION_METRICS_PORT, Endpoint.port),
        annotations.get(names.ANNOTATION_METRICS_PATH, Endpoint.path),
    )


def pod(resource: Resource, lock: PodLock, launch: Launch, parts: PodParts) -> Object:
    """The pod's spec: what every pod has, and an engine's parts of this one."""
    spec, installation = resource.spec, launch.installation
    mounted = sources.mounted(spec, FOLDERS)
    models = model_mounts(resource, lock, mounted)
    fetch = runtime_container.body(
        paths.CONTAINER_FETCH,
        ["tandem-fetch"],
        {environment.LOCK: launch.pod_lock},
        [
            *models,
            {"name": paths.VOLUME_PLUGIN, "mountPath": paths.PLUGIN},
            {"name": paths.VOLUME_STATE, "mountPath": paths.STATE},
        ],
        spec,
        installation.runtime_image,
        installation,
        installation.fetch_resources,
        _user(resource),
    )
    own_mounts = [
        mount
        for mount in parts.container.get("volumeMounts", [])
        if mount["name"] != paths.VOLUME_MODELS
    ]
    main = {
        # Only where a container leaves no message of its own as it fails.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **parts.container,
        "volumeMounts": [*({**mount, "readOnly": True} for mount in models), *own_mounts],
    }
    made: Object = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "initContainers": [fetch, *parts.init_containers],
        "containers": [main, *parts.sidecars],
        "volumes": [
            *mounted.volumes,
            *_volumes(resource, lock, mounted),
            *parts.volumes,
            *runtime_container.volumes(installation),
        ],
        "terminationGracePeriodSeconds": parts.grace_s,
        "securityContext": parts.security_context,
    }
    if spec.image_pull_secrets:
        made["imagePullSecrets"] = [{"name": name} for name in spec.image_pull_secrets]
    if spec.service_account_name is not None:
        made["serviceAccountName"] = spec.service_account_name
    return made


def _user(resource: Resource) -> int | None:
    """The user id that the template gives to the whole pod."""
    pod: Object = (resource.spec.template or {}).get("spec") or {}
    context = pod.get("securityContext")
    return context.get("runAsUser") if isinstance(context, dict) else None


def model_mounts(resource: Resource, lock: PodLock, mounted: Mounted) -> list[Object]:
    """Where the files of each side lie, as the fetching container mounts them.

    Each side is a mount of its own, so that a claim that holds the models of many resources shows
    a pod its own two folders only.
    """
    cached = resource.spec.model_cache.claim_name is not None
    locked = lock.sides()
    fetched = [
        {
            "name": paths.VOLUME_MODELS,
            "mountPath": FOLDERS[side],
            "subPath": folder(locked[side]) if cached else side,
        }
        for side in sources.sides(resource.spec)
        if side not in mounted.paths
    ]
    return [*mounted.mounts, *fetched]


def folder(side: LockedSide) -> str:
    """The folder of a commit or content digest inside a cache claim."""
    return (side.revision or side.files_digest).replace(":", "-").replace("/", "-")


def _volumes(resource: Resource, lock: PodLock, mounted: Mounted) -> list[Object]:
    cache = resource.spec.model_cache
    volumes: list[Object] = []
    if sources.sides(resource.spec).keys() - mounted.paths.keys():
        models: Object
        if cache.claim_name is not None:
            models = {"persistentVolumeClaim": {"claimName": cache.claim_name}}
        elif cache.size_limit is not None:
            models = {"emptyDir": {"sizeLimit": cache.size_limit}}
        else:
            models = {"emptyDir": {}}
        volumes.append({"name": paths.VOLUME_MODELS, **models})
    table = names.speculation_table(resource.name, lock.hash)
    return [
        *volumes,
        {"name": paths.VOLUME_PLUGIN, "emptyDir": {}},
        {"name": paths.VOLUME_STATE, "emptyDir": {}},
        {"name": paths.VOLUME_TABLE, "configMap": {"name": table}},
        {"name": paths.VOLUME_SHM, "emptyDir": {"medium": "Memory", "sizeLimit": SHM_SIZE}},
    ]
