"""What the lock Job found: read from the termination message of a pod of that very Job.

The end of the container decides, not the Job's: beside a sidecar that never ends a Job never does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tandem_operator.planning.lock import wait as lock_wait
from tandem_operator.planning.lock.wait import Pending
from tandem_operator.planning.pod import container_end
from tandem_operator.workloads.pods import controlled_by
from tandem_runtime.contract import paths, report
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.report import LockFailure, PairReport

Object = dict[str, Any]

LOCK_FAILED = "LockFailed"
NOT_RETRIED_EXIT_CODE = 3
"""`tandem-lock` ends so where another try would say the same."""

Outcome = PairReport | LockFailure | Pending


def read(
    job: Object,
    pods: Iterable[Object],
    warnings: Mapping[str, str] | None = None,
    previous_message: str | None = None,
) -> Outcome:
    """The outcome of `job`. Pods that another object controls do not count.

    ``warnings`` are words of Events by the UID that they are about; ``previous_message`` is what
    the Job was last said to wait for: a Job that missed its deadline has lost its pod,
    and the reason with it.
    """
    own = [pod for pod in pods if controlled_by(pod, job["metadata"]["uid"])]
    own.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    ended = [(pod, end) for pod in own if (end := _end(pod)) is not None]
    documents = [each for _, end in ended if (each := _document(end)) is not None]
    for document in documents:
        if isinstance(document, PairReport):
            return document
    failures = [each for each in documents if isinstance(each, LockFailure)]
    failed = condition(job, "Failed")
    if failed is not None:
        return failures[0] if failures else _without_report(own, failed, previous_message)
    if condition(job, "Complete") is not None:
        return LockFailure(LOCK_FAILED, None, "the lock Job completed and left no report")
    for pod, end in ended:
        last = _document(end)
        if isinstance(last, LockFailure) and end.get("exitCode") == NOT_RETRIED_EXIT_CODE:
            return last
        if _kept_running(pod):
            return last if isinstance(last, LockFailure) else _crashed(end)
    return lock_wait.pending(job, own, warnings or {})


def has_ended(job: Object, pods: Iterable[Object]) -> bool:
    """Whether nothing more is to be expected of the Job."""
    return not isinstance(read(job, pods), Pending)


def condition(job: Object, kind: str) -> Object | None:
    """The Job's condition of that type, where it is True."""
    conditions: list[Object] = job.get("status", {}).get("conditions") or []
    return next(
        (each for each in conditions if each["type"] == kind and each["status"] == "True"), None
    )


def _end(pod: Object) -> Object | None:
    for status in pod.get("status", {}).get("containerStatuses") or ():
        if status["name"] == paths.CONTAINER_LOCK:
            ended: Object | None = (status.get("state") or {}).get("terminated")
            return ended
    return None


def _kept_running(pod: Object) -> bool:
    """Whether other containers keep the pod from ending, so that the Job never tries again."""
    status = pod.get("status", {})
    return status.get("phase") not in lock_wait.OVER and any(
        "running" in (each.get("state") or {})
        for each in status.get("containerStatuses") or ()
        if each["name"] != paths.CONTAINER_LOCK
    )


def _document(ended: Object) -> PairReport | LockFailure | None:
    try:
        return report.parse(ended.get("message") or "")
    except ContractError:
        return None


def _crashed(ended: Object) -> LockFailure:
    words = container_end.describe(ended)
    return LockFailure(LOCK_FAILED, None, f"the lock ended without a report: {words}")


def _without_report(own: list[Object], failed: Object, previous_message: str | None) -> LockFailure:
    for pod in own:
        refused = container_end.refused(pod)
        if refused is not None:
            return LockFailure(LOCK_FAILED, None, f"the lock Job ended without a report: {refused}")
        end = _end(pod)
        if end is not None:
            return _crashed(end)
    words = ": ".join(part for part in (failed.get("reason"), failed.get("message")) if part)
    before = f"; before that: {previous_message}" if previous_message else ""
    return LockFailure(LOCK_FAILED, None, f"the lock Job ended without a report: {words}{before}")
