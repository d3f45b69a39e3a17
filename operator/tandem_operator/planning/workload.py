"""How the workload and its pods stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.plan import Asked
from tandem_operator.planning.pod import wait as engine_wait
from tandem_operator.workloads import kinds
from tandem_operator.workloads.base import WorkloadKind
from tandem_runtime.contract.report import LockFailure

Object = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """Counts are replicas. Texts are None while there is nothing of the kind to tell.

    ``observed`` says that the counts are about the workload as it is now. ``refused`` is why no
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
    found = _held(name, observed)
    if found is None:
        return Workload()
    kind, held = found
    counts = kind.read(held, observed.objects)
    live = kind.pods(held, observed.objects)
    return Workload(
        exists=True,
        observed=counts.observed,
        wanted=counts.wanted,
        replicas=counts.replicas,
        ready=counts.ready,
        available=counts.available,
        updated=counts.updated,
        refused=counts.refused,
        overdue=counts.overdue,
        waiting=engine_wait.told(live, kind.failed(held, observed.objects), warnings),
        ask=engine_wait.asked(live),
        hindered=engine_wait.hindered(live),
    )


def pods(name: str, observed: ObservedObjects) -> list[Object]:
    """Engine pods of the resource's own workload that are not leaving."""
    found = _held(name, observed)
    return [] if found is None else found[0].pods(found[1], observed.objects)


def locks_in_use(name: str, observed: ObservedObjects) -> frozenset[str]:
    """Hashes of the locks whose table a pod may still read; leaving pods count."""
    wanted = names.engine_labels(name).items()
    return frozenset(
        labels[names.LABEL_LOCK]
        for pod in observed.all_of("Pod")
        if names.LABEL_LOCK in (labels := pod["metadata"].get("labels", {}))
        and wanted <= labels.items()
    )


def _held(name: str, observed: ObservedObjects) -> tuple[WorkloadKind, Object] | None:
    for kind in kinds.ALL:
        held = observed.ours(kind.kind, kind.name(name))
        if held is not None:
            return kind, held
    return None
