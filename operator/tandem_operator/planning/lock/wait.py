"""What a lock Job that has not ended waits for: in its own words, its pod's, or an Event's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_operator.planning.plan import Asked, Reference
from tandem_operator.planning.pod import container_end
from tandem_runtime.contract import report
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.report import LockFailure

Object = dict[str, Any]

OVER = ("Succeeded", "Failed")
INSPECTING = "the lock Job inspects the pair"


@dataclass(frozen=True)
class Pending:
    """The Job has not ended; ``message`` says what it waits for.

    ``ask`` is the object whose Events would say why it waits; None: its own status does.
    """

    message: str
    ask: Asked | None = None


def pending(job: Object, pods: list[Object], warnings: Mapping[str, str]) -> Pending:
    """What the Job waits for; `pods` are its own, the newest first."""
    live = [pod for pod in pods if pod.get("status", {}).get("phase") not in OVER]
    lost = next((words for pod in pods if (words := _lost(pod)) is not None), None)
    hindrance = _of_pod(live[0], warnings) if live else _of_job(job, warnings)
    if lost is None or hindrance.message == INSPECTING:
        return hindrance
    return Pending(f"{hindrance.message}; the lock pod before: {lost}", hindrance.ask)


def _of_job(job: Object, warnings: Mapping[str, str]) -> Pending:
    name = job["metadata"]["name"]
    words = warnings.get(job["metadata"]["uid"])
    see = f"kubectl describe job {name} -n {job['metadata']['namespace']}"
    if job.get("spec", {}).get("suspend"):
        what = f"the lock Job {name} is suspended (spec.suspend: true): a queue that admits Jobs, "
        what += "such as Kueue, or a person lets it run"
    else:
        what = f"the lock Job {name} has no pod"
    return Pending(f"{what}: {words or f'see {see}'}", _asked(job, "batch/v1", "Job"))


def _of_pod(pod: Object, warnings: Mapping[str, str]) -> Pending:
    metadata, status = pod["metadata"], pod.get("status", {})
    name = metadata["name"]
    for container in container_end.waiting(pod):
        waiting = container["state"]["waiting"]
        last = container_end.last(container)
        message = (
            container_end.describe(last) if last is not None else str(waiting.get("message") or "")
        )
        words = f": {container_end.telling_line(message)}" if message else ""
        return Pending(
            f"the lock pod {name} waits: container {container['name']}: {waiting['reason']}{words}"
        )
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            message = condition.get("message") or condition.get("reason", "")
            return Pending(f"the lock pod {name} waits for a node: {message}")
    containers = status.get("containerStatuses") or ()
    if any("running" in (each.get("state") or {}) for each in containers):
        return Pending(INSPECTING)
    if any("terminated" in (each.get("state") or {}) for each in containers):
        return Pending("the lock Job takes up what its pod left")
    see = f"kubectl describe pod {name} -n {metadata['namespace']}"
    words = warnings.get(metadata["uid"], f"see {see}")
    return Pending(f"the lock pod {name} has not started: {words}", _asked(pod, "v1", "Pod"))


def _lost(pod: Object) -> str | None:
    """Why a pod before is over, where that is told nowhere else."""
    if pod.get("status", {}).get("phase") != "Failed":
        return None
    refused = container_end.refused(pod)
    if refused is not None:
        return refused
    for container in container_end.statuses(pod):
        end = container_end.last(container)
        if end is not None and end.get("exitCode", 0) != 0:
            return _failure(end) or container_end.describe(end)
    return None


def _failure(ended: Object) -> str | None:
    """The lock's own words, where it left them."""
    try:
        document = report.parse(ended.get("message") or "")
    except ContractError:
        return None
    return document.message if isinstance(document, LockFailure) else None


def _asked(raw: Object, api_version: str, kind: str) -> Asked:
    metadata = raw["metadata"]
    return Asked(Reference(api_version, kind, metadata["name"]), metadata["uid"])
