"""How the workload and its pods stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import observed_objects
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.plan import Asked
from tandem_operator.planning.pod import wait as engine_wait
from tandem_operator.workloads import kinds
from tandem_operator.workloads.base import WorkloadKind
from tandem_operator.workloads.pods import with_remedy
from tandem_runtime.contract.report import LockFailure

Object = dict[str, Any]

NOT_MADE = "FailedCreate"
"""Reason of the Events about what cannot make a pod."""


@dataclass(frozen=True)
class Workload:
    """Counts are replicas. Texts are None while there is nothing of the kind to tell.

    ``observed`` says that the counts are about the workload as it is now. ``refused`` is why no
    pod can be made, ``overdue`` the rollout's missed deadline, ``waiting`` what a pod waits for or
    how it ended.
    ``hindered`` is why a pod does not start although it is there: what its container said about
    the locked files as it ended. ``ask`` is what has Events that would say why a pod is not made or
    has not started. ``deadline_in_s`` are seconds until `overdue` would be told, where the workload
    itself would not tell it.
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
    deadline_in_s: float | None = None

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
    name: str,
    observed: ObservedObjects,
    current: Revision | None,
    now: datetime,
    warnings: Mapping[str, str] | None = None,
) -> Workload:
    """How the resource of that name runs; `warnings` are words of Events by UID.

    What is wanted and of the newest template is counted of the workload of the current revision's
    kind. One that it takes over from still serves, so it counts too.
    """
    existing = _existing(name, observed)
    if not existing:
        return Workload()
    objects = observed.objects
    counts = {kind.kind: kind.read(each, objects) for kind, each in existing}
    kind = existing[0][0] if current is None else current.kind
    newest = counts.get(kind.kind)
    live = [pod for kind, each in existing for pod in kind.members(each, objects)]
    failed = [pod for kind, each in existing for pod in kind.failed(each, objects)]
    makers = [maker for kind, each in existing for maker in kind.makers(each, objects)]
    messages = [(warnings or {}).get(maker["metadata"]["uid"], "") for maker in makers]
    refusal = next((words for words in messages if words.startswith(NOT_MADE)), None)
    asked = [Asked(observed_objects.reference(maker), maker["metadata"]["uid"]) for maker in makers]
    made = Workload(
        exists=True,
        observed=newest is not None and newest.observed,
        wanted=0 if newest is None else newest.wanted,
        replicas=sum(each.replicas for each in counts.values()),
        ready=sum(each.ready for each in counts.values()),
        available=sum(each.available for each in counts.values()),
        updated=0 if newest is None else newest.updated,
        refused=None if newest is None else newest.refused,
        overdue=None if newest is None else newest.overdue,
        waiting=engine_wait.hindrance(live, failed, warnings),
        ask=next(iter(asked), None) or engine_wait.asked(live),
        hindered=engine_wait.hindered(live),
    )
    if refusal is not None:
        made = replace(made, refused=with_remedy(refusal))
    elif made.waiting is None and makers and makers[0]["kind"] in kinds.KINDS:
        idle = observed_objects.reference(makers[0])
        made = replace(made, waiting=f"{idle.kind} {idle.name} waits for its controller")
    held = None if newest is None else newest.held
    if held is not None:
        made = replace(made, waiting="; ".join(filter(None, (held, made.waiting))))
    if newest is None or newest.progress is None or current is None or made.rolled_out:
        return made
    return _by_deadline(made, kind, name, current, newest.progress, now)


def _by_deadline(
    made: Workload,
    kind: WorkloadKind,
    name: str,
    current: Revision,
    progress: datetime,
    now: datetime,
) -> Workload:
    """The deadline of a kind that keeps none itself, counted from its last progress."""
    deadline_s = current.rollout.progress_deadline_s
    since = max(progress, datetime.fromisoformat(current.locked_at))
    left_s = (since + timedelta(seconds=deadline_s) - now).total_seconds()
    if left_s > 0:
        return replace(made, deadline_in_s=left_s)
    return replace(
        made, overdue=f"{kind.kind} {kind.name(name)} made no progress for {deadline_s} s"
    )


def pods(name: str, observed: ObservedObjects) -> list[Object]:
    """The pods of the resource's own workloads that serve and are not leaving."""
    return [
        pod for kind, raw in _existing(name, observed) for pod in kind.pods(raw, observed.objects)
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


def _existing(name: str, observed: ObservedObjects) -> list[tuple[WorkloadKind, Object]]:
    """Two while one takes over from the other."""
    by_kind = ((kind, observed.ours(kind.kind, kind.name(name))) for kind in kinds.ALL)
    return [(kind, raw) for kind, raw in by_kind if raw is not None]
