"""What a ControllerRevision holds: one locked and rendered input.

The stored pod template is used as it is, so that a new release of the operator rolls no pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import ownership
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.plan import Reference
from tandem_operator.planning.resource import Resource
from tandem_operator.workloads import kinds
from tandem_operator.workloads.base import Rollout, Workers, WorkloadKind
from tandem_runtime.contract import pod_lock
from tandem_runtime.contract import report as pair_report
from tandem_runtime.contract.pod_lock import PodLock
from tandem_runtime.contract.report import PairReport

Object = dict[str, Any]

FORMAT = 1
OF_GROUPS = 2
"""The format of revisions with workers: a release that knows none of them must not make one pod of
such a replica."""
FORMATS = (FORMAT, OF_GROUPS)
KEPT = 10
"""Revisions that are kept; one that pods still run is never removed."""


@dataclass(frozen=True)
class Revision:
    """One accepted input. ``number`` orders revisions; the highest is what shall serve.

    ``shape`` is the accepted pod-shaping spec as in the manifest; ``locked_at`` an RFC 3339 time;
    ``tiers`` the depths that the engine is started with (empty: any; a single one: K cannot change
    while it serves); ``pair`` names what was locked where it cannot change (see `lock_cache`).
    ``config`` are the engine's own ConfigMaps, files by name of the map. ``workers`` are the pods
    of a replica beside the one of ``template``.
    """

    input_hash: str
    shape: Object
    lock: PodLock
    report: PairReport
    locked_at: str
    runtime_image: str
    template: Object
    rollout: Rollout
    max_tokens: int
    tiers: tuple[int, ...]
    number: int
    pair: str | None = None
    config: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    workers: Workers | None = None

    @property
    def kind(self) -> WorkloadKind:
        """The kind of workload that runs it."""
        return kinds.of(self.workers)

    @property
    def fixed_tokens(self) -> int | None:
        """K of an engine that drafts the same number at every step; None: K is live."""
        return self.tiers[0] if len(self.tiers) == 1 and self.tiers[0] > 0 else None

    @property
    def lock_hash(self) -> str:
        """Names the lock; inputs that differ in arguments alone share it."""
        return self.lock.hash

    def numbered(self, number: int) -> Revision:
        """The same revision at another place in the order."""
        return replace(self, number=number)


def all_of(observed: ObservedObjects) -> tuple[Revision, ...]:
    """The revisions of the resource, newest first; those of a later format are not seen."""
    revisions = [
        _parse(raw)
        for raw in observed.all_ours("ControllerRevision")
        if raw.get("data", {}).get("version") in FORMATS
    ]
    return tuple(sorted(revisions, key=lambda each: each.number, reverse=True))


def taken_up(resource: Resource, revisions: tuple[Revision, ...]) -> Resource:
    """The resource, its input named as the newest revision of the same fields names it.

    Without the refresh annotation nothing is wished but the fields: a tool that takes it away must
    not bring the runtime back that the pods had before it was set.
    """
    if resource.refresh is not None:
        return resource
    fields = names.input_hash(resource.spec)
    alike = next(
        (revision for revision in revisions if names.digest(revision.shape) == fields), None
    )
    return resource if alike is None else replace(resource, locked_as=alike.input_hash)


def body(resource: Resource, revision: Revision) -> Object:
    """The ControllerRevision; its data never changes, its number does."""
    labels = {names.LABEL_DEPLOYMENT: resource.name, names.LABEL_LOCK: revision.lock_hash}
    shared: Object = {}
    if revision.pair is not None:
        labels[names.LABEL_PAIR] = shared["pair"] = revision.pair
    if revision.config:
        shared["config"] = {name: dict(files) for name, files in revision.config.items()}
    workers = revision.workers
    if workers is not None:
        shared["workers"] = {"count": workers.count, "template": workers.template}
    name = names.controller_revision(resource.name, revision.input_hash)
    rollout = revision.rollout
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": ownership.metadata(resource, "ControllerRevision", name, labels),
        "revision": revision.number,
        "data": {
            "version": FORMAT if workers is None else OF_GROUPS,
            "inputHash": revision.input_hash,
            "spec": revision.shape,
            "lock": pod_lock.to_document(revision.lock),
            "report": pair_report.to_document(revision.report),
            "lockedAt": revision.locked_at,
            "runtimeImage": revision.runtime_image,
            "template": revision.template,
            "rollout": {
                "maxUnavailable": rollout.max_unavailable,
                "maxSurge": rollout.max_surge,
                "progressDeadlineSeconds": rollout.progress_deadline_s,
                "minReadySeconds": rollout.min_ready_s,
            },
            "maxTokens": revision.max_tokens,
            "tiers": list(revision.tiers),
            **shared,
        },
    }


def reference(resource: Resource, revision: Revision) -> Reference:
    """The ControllerRevision that holds it."""
    name = names.controller_revision(resource.name, revision.input_hash)
    return Reference("apps/v1", "ControllerRevision", name)


def mixture_of_experts(raw: Object) -> tuple[int, int] | None:
    """Experts of the locked target, and those active for a token; None for a dense one.

    ``raw`` is a ControllerRevision; of a later format nothing is known.
    """
    data = raw.get("data") or {}
    if data.get("version") not in FORMATS:
        return None
    mixture = _report(data["report"]).target.mixture_of_experts
    active = None if mixture is None else mixture.experts_per_token
    if mixture is None or active is None or not 1 <= active <= mixture.experts:
        return None
    return mixture.experts, active


def _parse(raw: Object) -> Revision:
    data = raw["data"]
    rollout, workers = data["rollout"], data.get("workers")
    return Revision(
        input_hash=data["inputHash"],
        shape=data["spec"],
        lock=pod_lock.from_document(data["lock"]),
        report=_report(data["report"]),
        locked_at=data["lockedAt"],
        runtime_image=data["runtimeImage"],
        template=data["template"],
        rollout=Rollout(
            max_unavailable=rollout["maxUnavailable"],
            max_surge=rollout["maxSurge"],
            progress_deadline_s=rollout["progressDeadlineSeconds"],
            min_ready_s=rollout["minReadySeconds"],
        ),
        max_tokens=data["maxTokens"],
        tiers=tuple(data["tiers"]),
        number=raw["revision"],
        pair=data.get("pair"),
        config=data.get("config", {}),
        workers=None if workers is None else Workers(workers["count"], workers["template"]),
    )


def _report(document: Object) -> PairReport:
    read = pair_report.from_document(document)
    if not isinstance(read, PairReport):
        raise TypeError("a revision holds the report of a failed lock")
    return read
