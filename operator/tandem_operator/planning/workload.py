"""How the Deployment and its pods stand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.standing import Standing
from tandem_runtime.contract import report
from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.report import LockFailure

Object = dict[str, Any]

HINDRANCES = ("ContentChanged", "ModelNotFound", "AccessDenied")
"""What a pod that is started again and again will say again."""


@dataclass(frozen=True)
class Workload:
    """Counts are replicas. Texts are None while there is nothing of the kind to tell.

    ``observed`` says that the counts are about the Deployment as it is now. ``refused`` is why no
    pod can be made, ``overdue`` the rollout's missed deadline, ``waiting`` what a pod waits for.
    ``hindered`` is why a pod does not start although it is there: what its container said about
    the locked files as it ended.
    """

    exists: bool = False
    observed: bool = False
    wanted: int = 0
    replicas: int = 0
    ready: int = 0
    available: int = 0
    updated: int = 0
    refused: str | None = None
    overdue: str | None = None
    waiting: str | None = None
    hindered: LockFailure | None = None

    @property
    def rolled_out(self) -> bool:
        """Every wanted replica is of the newest template and available, and no other is left."""
        return (
            self.exists
            and self.observed
            and self.updated == self.replicas == self.wanted
            and self.available >= self.wanted
        )


def read(name: str, standing: Standing) -> Workload:
    """The workload of the resource of that name."""
    deployment = standing.ours("Deployment", names.deployment(name))
    if deployment is None:
        return Workload()
    status = deployment.get("status", {})
    metadata = deployment["metadata"]
    progressing = _condition(deployment, "Progressing", "False")
    held = pods(name, standing)
    return Workload(
        exists=True,
        observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        wanted=deployment["spec"].get("replicas", 1),
        replicas=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        refused=_refused([deployment, *_replica_sets(deployment, standing)]),
        overdue=progressing.get("message", "")
        if progressing is not None and progressing.get("reason") == "ProgressDeadlineExceeded"
        else None,
        waiting=_waiting(held),
        hindered=_hindered(held),
    )


def pods(name: str, standing: Standing) -> list[Object]:
    """Engine pods of the resource's own Deployment that are not leaving."""
    deployment = standing.ours("Deployment", names.deployment(name))
    if deployment is None:
        return []
    owners = {held["metadata"]["uid"] for held in _replica_sets(deployment, standing)}
    return [
        pod
        for pod in standing.all_of("Pod")
        if any(ownership.controlled_by(pod, uid) for uid in owners)
        and "deletionTimestamp" not in pod["metadata"]
        and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")
    ]


def locks_in_use(name: str, standing: Standing) -> frozenset[str]:
    """Hashes of the locks whose table a pod may still read; leaving pods count."""
    wanted = names.engine_labels(name).items()
    return frozenset(
        labels[names.LABEL_LOCK]
        for pod in standing.all_of("Pod")
        if names.LABEL_LOCK in (labels := pod["metadata"].get("labels", {}))
        and wanted <= labels.items()
    )


def is_ready(pod: Object) -> bool:
    """Whether the pod's Ready condition is True."""
    return _condition(pod, "Ready", "True") is not None


def _replica_sets(deployment: Object, standing: Standing) -> list[Object]:
    uid = deployment["metadata"]["uid"]
    return [held for held in standing.all_of("ReplicaSet") if ownership.controlled_by(held, uid)]


def _refused(owners: Iterable[Object]) -> str | None:
    for owner in owners:
        failure = _condition(owner, "ReplicaFailure", "True")
        if failure is not None:
            return f"{failure.get('reason', 'FailedCreate')}: {failure.get('message', '')}"
    return None


def _waiting(held: list[Object]) -> str | None:
    for pod in held:
        if is_ready(pod):
            continue
        for container in _containers(pod):
            waiting = container.get("state", {}).get("waiting")
            if waiting is not None and waiting.get("reason") not in (
                None,
                "ContainerCreating",
                "PodInitializing",
            ):
                return _told(pod, waiting["reason"], _last_words(container), waiting)
        unscheduled = _condition(pod, "PodScheduled", "False")
        if unscheduled is not None:
            return _told(pod, unscheduled.get("reason", "Unschedulable"), None, unscheduled)
    return None


def _hindered(held: list[Object]) -> LockFailure | None:
    """The first pod's words that only the user can do something about; others are retried."""
    for pod in held:
        if is_ready(pod):
            continue
        for container in _containers(pod):
            if container.get("ready") and "terminated" in container.get("state", {}):
                continue  # an init container that did its work in the end
            failure = _failure(_last_words(container))
            if failure is not None and failure.reason in HINDRANCES:
                told = f"pod {pod['metadata']['name']}: {failure.side or 'pod'}: {failure.message}"
                return replace(failure, message=told)
    return None


def _containers(pod: Object) -> tuple[Object, ...]:
    status = pod.get("status", {})
    return (*status.get("initContainerStatuses", []), *status.get("containerStatuses", []))


def _last_words(container: Object) -> str | None:
    """What the container left behind as it ended: just now, or before it was started again."""
    for state in ("state", "lastState"):
        ended: Object | None = container.get(state, {}).get("terminated")
        if ended is not None and ended.get("message"):
            return str(ended["message"])
    return None


def _failure(words: str | None) -> LockFailure | None:
    """The words as `tandem-fetch` and the plugin leave them; anybody else's are none of theirs."""
    try:
        read = report.parse(words or "")
    except ContractError:
        return None
    return read if isinstance(read, LockFailure) else None


def _told(pod: Object, reason: str, words: str | None, said: Object) -> str:
    failure = _failure(words)
    if failure is not None:
        words = f"{failure.side or 'pod'}: {failure.message}"
    message = (words or str(said.get("message", "")))[:500]
    return f"pod {pod['metadata']['name']} waits: {reason}" + (f": {message}" if message else "")


def _condition(held: Object, kind: str, status: str) -> Object | None:
    conditions: list[Object] = held.get("status", {}).get("conditions", [])
    return next(
        (each for each in conditions if each["type"] == kind and each["status"] == status), None
    )
