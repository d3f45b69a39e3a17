"""What the lock Job found: read from the termination message of a pod of that very Job."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_runtime.contract import report
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.report import LockFailure, PairReport

Object = dict[str, Any]

LOCK_FAILED = "LockFailed"


@dataclass(frozen=True)
class Pending:
    """The Job has not ended; ``message`` says what it waits for."""

    message: str


Outcome = PairReport | LockFailure | Pending


def read(job: Object, pods: Iterable[Object]) -> Outcome:
    """The outcome of `job`. Pods that another object controls are not looked at."""
    own = [pod for pod in pods if ownership.controlled_by(pod, job["metadata"]["uid"])]
    own.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    messages = [message for pod in own if (message := _message(pod)) is not None]
    documents = [document for text in messages if (document := _document(text)) is not None]
    for document in documents:
        if isinstance(document, PairReport):
            return document
    failed = _condition(job, "Failed")
    if failed is not None:
        for document in documents:
            if isinstance(document, LockFailure):
                return document
        said = messages[0][-500:] if messages else failed.get("message", "")
        return LockFailure(LOCK_FAILED, None, f"the lock Job ended without a report: {said}")
    if _condition(job, "Complete") is not None:
        return LockFailure(LOCK_FAILED, None, "the lock Job completed and left no report")
    return Pending(_waiting(own))


def finished_at(job: Object) -> datetime | None:
    """When the Job ended, or None."""
    for kind in ("Complete", "Failed"):
        held = _condition(job, kind)
        if held is not None and held.get("lastTransitionTime") is not None:
            return datetime.fromisoformat(held["lastTransitionTime"])
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


def _document(text: str) -> PairReport | LockFailure | None:
    try:
        return report.parse(text)
    except ContractError:
        return None


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
