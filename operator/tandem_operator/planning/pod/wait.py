"""Why engine pods are not ready: what they wait for, or how they ended before they began again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tandem_operator.planning.plan import Asked, Reference
from tandem_operator.planning.pod import container_end
from tandem_operator.workloads.pods import condition, is_ready
from tandem_runtime.contract import report
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.report import LockFailure

Object = dict[str, Any]

HINDRANCES = ("ContentChanged", "ModelNotFound", "AccessDenied")
"""What a pod that is started again and again will say again."""


def hindrance(
    live: list[Object], failed: list[Object], warnings: Mapping[str, str] | None = None
) -> str | None:
    """The first pod that is not ready and says why, and the newest that failed as a whole.

    ``warnings`` are words of Events by UID, for pods that say nothing themselves (see `asked`).

    A pod that the kubelet refused, or that was evicted, is over; its reason is its successor's too
    until that one is ready.
    """
    unready = [pod for pod in live if not is_ready(pod)]
    waits = next((words for pod in unready if (words := _of_pod(pod)) is not None), None)
    if waits is None:
        waits = _of_silent(unready, warnings or {})
    lost = _lost(failed, [pod for pod in live if is_ready(pod)])
    if lost is None:
        return waits
    name = lost["metadata"]["name"]
    words = f"pod {name} failed: {_failed(lost)}"
    return words if waits is None else f"{waits}; {words}"


def asked(live: list[Object]) -> Asked | None:
    """The first pod that has not started, or that has and is not ready, and does not say why: its
    Events do."""
    for pod in live:
        silent = not _has_begun(pod) or _has_started(pod)
        if not is_ready(pod) and silent and _of_pod(pod) is None:
            metadata = pod["metadata"]
            return Asked(Reference("v1", "Pod", metadata["name"]), metadata["uid"])
    return None


def _has_begun(pod: Object) -> bool:
    return any(
        (container.get("state") or {}).keys() & {"running", "terminated"}
        for container in container_end.statuses(pod)
    )


def _has_started(pod: Object) -> bool:
    """Whether every container runs and has passed its startup probe."""
    containers: list[Object] = pod.get("status", {}).get("containerStatuses") or []
    return bool(containers) and all(
        "running" in (each.get("state") or {}) and each.get("started") for each in containers
    )


def _of_silent(unready: list[Object], warnings: Mapping[str, str]) -> str | None:
    """What Events say of a pod that says nothing, else that a started one is not ready."""
    silent = asked(unready)
    if silent is not None and silent.uid in warnings:
        (pod,) = (each for each in unready if each["metadata"]["uid"] == silent.uid)
        stands = "is not ready" if _has_started(pod) else "has not started"
        return f"pod {silent.reference.name} {stands}: {warnings[silent.uid]}"
    for pod in filter(_has_started, unready):
        words = (condition(pod, "Ready", "False") or {}).get("message")
        node = pod.get("spec", {}).get("nodeName")
        words = words or f"its containers are; see its node {node}"
        return f"pod {pod['metadata']['name']} is not ready: {words}"
    return None


def hindered(live: list[Object]) -> LockFailure | None:
    """The first pod's words that only the user can do something about; others are retried."""
    for pod in live:
        if is_ready(pod):
            continue
        for container in container_end.statuses(pod):
            if container.get("ready") and "terminated" in container.get("state", {}):
                continue  # an init container that did its work in the end
            end = container_end.last(container)
            failure = None if end is None else _failure(end)
            if failure is not None and failure.reason in HINDRANCES:
                words = f"pod {pod['metadata']['name']}: {failure.side or 'pod'}: {failure.message}"
                return replace(failure, message=words)
    return None


def _of_pod(pod: Object) -> str | None:
    name = pod["metadata"]["name"]
    for container in container_end.waiting(pod):
        waiting = container["state"]["waiting"]
        end = container_end.last(container)
        last_words = str(waiting.get("message") or "")
        words = container_end.telling_line(last_words) if end is None else _ended(container, end)
        return f"pod {name} waits: {waiting['reason']}" + (f": {words}" if words else "")
    for container in container_end.statuses(pod):
        end = container_end.last(container)
        if end is None or container.get("ready"):
            continue
        over = "terminated" in container.get("state", {})
        begins = "" if over else "starts again: "
        return f"pod {name} {begins}{_ended(container, end)}"
    unscheduled = condition(pod, "PodScheduled", "False")
    if unscheduled is not None:
        reason, message = unscheduled.get("reason", "Unschedulable"), unscheduled.get("message")
        return f"pod {name} waits: {reason}" + (f": {message}" if message else "")
    return None


def _ended(container: Object, end: Object) -> str:
    failure = _failure(end)
    if failure is not None:
        return f"{failure.side or 'pod'}: {failure.message}"
    return f"container {container['name']} ended: {container_end.describe(end)}"


def _failure(end: Object) -> LockFailure | None:
    """The words as `tandem-fetch` and the plugin leave them; anybody else's are none of theirs."""
    try:
        read = report.parse(end.get("message") or "")
    except ContractError:
        return None
    return read if isinstance(read, LockFailure) else None


def _lost(failed: list[Object], ready: Iterable[Object]) -> Object | None:
    """The newest pod that failed, unless a later one became ready."""
    newest = max(failed, key=_created, default=None)
    if newest is None or any(_created(pod) > _created(newest) for pod in ready):
        return None
    return newest


def _failed(pod: Object) -> str:
    refused = container_end.refused(pod)
    if refused is not None:
        return refused
    for container in container_end.statuses(pod):
        end = container_end.last(container)
        if end is not None and end.get("exitCode", 0) != 0:
            return _ended(container, end)
    return "its kubelet does not say why"


def _created(pod: Object) -> str:
    return str(pod["metadata"].get("creationTimestamp", ""))
