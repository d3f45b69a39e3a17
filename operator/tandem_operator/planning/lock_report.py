"""What the lock Job found: read from the termination message of a pod of that very Job."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership

Object = dict[str, Any]

VERSION = 1


@dataclass(frozen=True)
class Report:
    """The Job looked; ``content`` is the pair report of the contract."""

    content: Object


@dataclass(frozen=True)
class Failed:
    """The Job could not look. ``reason`` is the error's in the report, or LockFailed."""

    reason: str
    message: str


@dataclass(frozen=True)
class Pending:
    """The Job has not ended; ``message`` says what it waits for."""

    message: str


Outcome = Report | Failed | Pending


def read(job: Object, pods: Iterable[Object]) -> Outcome:
    """The outcome of `job`. Pods that another object controls are not looked at."""
    own = [pod for pod in pods if ownership.controlled_by(pod, job["metadata"]["uid"])]
    own.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    messages = [message for pod in own if (message := _message(pod)) is not None]
    documents = [document for text in messages if (document := _document(text)) is not None]
    report = next((document for document in documents if "verdict" in document), None)
    if report is not None:
        return Report(report)
    failure = _condition(job, "Failed")
    if failure is not None:
        error = next((document["error"] for document in documents if "error" in document), None)
        if error is not None:
            side = f"{error['side']}: " if error.get("side") else ""
            return Failed(str(error["reason"]), side + str(error.get("message", "")))
        said = messages[0][-500:] if messages else failure.get("message", "")
        return Failed("LockFailed", f"the lock Job ended without a report: {said}")
    if _condition(job, "Complete") is not None:
        return Failed("LockFailed", "the lock Job completed and its pod left no report")
    return Pending(_waiting(own))


def finished_at(job: Object) -> str | None:
    """When the Job ended (RFC 3339), or None."""
    for kind in ("Complete", "Failed"):
        held = _condition(job, kind)
        if held is not None:
            time: str | None = held.get("lastTransitionTime")
            return time
    return None


def _condition(job: Object, kind: str) -> Object | None:
    conditions: list[Object] = job.get("status", {}).get("conditions", [])
    return next(
        (held for held in conditions if held["type"] == kind and held["status"] == "True"), None
    )


def _message(pod: Object) -> str | None:
    for status in pod.get("status", {}).get("containerStatuses", []):
        ended = status.get("state", {}).get("terminated")
        if status["name"] == names.CONTAINER_LOCK and ended is not None:
            text: str | None = ended.get("message")
            return text
    return None


def _document(text: str) -> Object | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return None
    return document


def _waiting(pods: list[Object]) -> str:
    for pod in pods:
        status = pod.get("status", {})
        for held in status.get("containerStatuses", []):
            waiting = held.get("state", {}).get("waiting")
            if waiting is not None and waiting.get("reason") not in (None, "ContainerCreating"):
                return f"the lock pod waits: {waiting['reason']}: {waiting.get('message', '')}"
        for condition in status.get("conditions", []):
            if condition["type"] == "PodScheduled" and condition["status"] == "False":
                return f"the lock pod waits for a node: {condition.get('message', '')}"
    return "the lock Job looks at the pair"
