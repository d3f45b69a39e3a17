"""How the Deployment and its pods stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.plan import Asked
from tandem_operator.planning.pod import wait as engine_wait
from tandem_runtime.contract.report import LockFailure

Object = dict[str, Any]

OVER = ("Succeeded", "Failed")
ROOT_REFUSED = "runAsNonRoot"
ROOT_REMEDY = (
    "; where the engine's image runs without root, say so in spec.template.spec.securityContext: "
    "runAsNonRoot: true, and runAsUser where the image names no number"
)


@dataclass(frozen=True)
class Workload:
    """Counts are replicas. Texts are None while there is nothing of the kind to tell.

    ``observed`` says that the counts are about the Deployment as it is now. ``refused`` is why no
    pod can be made, ``overdue`` the rollout's missed deadline, ``waiting`` what a pod waits for or
    how it ended.
    ``hindered`` is why a pod does not start although it is there: what its container said about
    the locked files as it ended. ``ask`` is a pod whose Events would say why it has not started.
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
    ask: Asked | None = None

    @property
    def rolled_out(self) -> bool:
        """Every wanted replica is of the newest template and available, and no other is left."""
        return (
            self.exists
            and self.observed
            and self.updated == self.replicas == self.wanted
            and self.available >= self.wanted
        )


def read(
    name: str, observed: ObservedObjects, warnings: Mapping[str, str] | None = None
) -> Workload:
    """The workload of the resource of that name; `warnings` are words of Events by UID."""
    deployment = observed.ours("Deployment", names.deployment(name))
    if deployment is None:
        return Workload()
    status = deployment.get("status", {})
    metadata = deployment["metadata"]
    progressing = _condition(deployment, "Progressing", "False")
    held = pods(name, observed)
    return Workload(
        exists=True,
        observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
        wanted=deployment["spec"].get("replicas", 1),
        replicas=status.get("replicas", 0),
        ready=status.get("readyReplicas", 0),
        available=status.get("availableReplicas", 0),
        updated=status.get("updatedReplicas", 0),
        refused=_refused([deployment, *_replica_sets(deployment, observed)]),
        overdue=progressing.get("message", "")
        if progressing is not None and progressing.get("reason") == "ProgressDeadlineExceeded"
        else None,
        waiting=engine_wait.told(held, _failed(deployment, observed), warnings),
        ask=engine_wait.asked(held),
        hindered=engine_wait.hindered(held),
    )


def pods(name: str, observed: ObservedObjects) -> list[Object]:
    """Engine pods of the resource's own Deployment that are not leaving."""
    deployment = observed.ours("Deployment", names.deployment(name))
    if deployment is None:
        return []
    return [
        pod
        for pod in _pods_of(_replica_sets(deployment, observed), observed)
        if pod.get("status", {}).get("phase") not in OVER
    ]


def locks_in_use(name: str, observed: ObservedObjects) -> frozenset[str]:
    """Hashes of the locks whose table a pod may still read; leaving pods count."""
    wanted = names.engine_labels(name).items()
    return frozenset(
        labels[names.LABEL_LOCK]
        for pod in observed.all_of("Pod")
        if names.LABEL_LOCK in (labels := pod["metadata"].get("labels", {}))
        and wanted <= labels.items()
    )


def _replica_sets(deployment: Object, observed: ObservedObjects) -> list[Object]:
    uid = deployment["metadata"]["uid"]
    return [held for held in observed.all_of("ReplicaSet") if ownership.controlled_by(held, uid)]


def _failed(deployment: Object, observed: ObservedObjects) -> list[Object]:
    """Pods that failed as a whole, of ReplicaSets that still want any."""
    wanting = [
        held
        for held in _replica_sets(deployment, observed)
        if held.get("spec", {}).get("replicas", 1) > 0
    ]
    return [
        pod for pod in _pods_of(wanting, observed) if pod.get("status", {}).get("phase") == "Failed"
    ]


def _pods_of(replica_sets: list[Object], observed: ObservedObjects) -> list[Object]:
    """Pods of these ReplicaSets that are not leaving."""
    uids = {held["metadata"]["uid"] for held in replica_sets}
    return [
        pod
        for pod in observed.all_of("Pod")
        if "deletionTimestamp" not in pod["metadata"]
        and any(ownership.controlled_by(pod, uid) for uid in uids)
    ]


def _refused(owners: Iterable[Object]) -> str | None:
    for owner in owners:
        failure = _condition(owner, "ReplicaFailure", "True")
        if failure is not None:
            message = str(failure.get("message", ""))
            remedy = ROOT_REMEDY if ROOT_REFUSED in message else ""
            return f"{failure.get('reason', 'FailedCreate')}: {message}{remedy}"
    return None


def _condition(held: Object, kind: str, status: str) -> Object | None:
    conditions: list[Object] = held.get("status", {}).get("conditions", [])
    return next(
        (each for each in conditions if each["type"] == kind and each["status"] == status), None
    )
