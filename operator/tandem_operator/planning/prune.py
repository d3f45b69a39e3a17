"""What has had its time: finished Jobs, unread tables, old revisions, a needless budget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tandem_operator.api import names
from tandem_operator.planning import observed_objects, ownership, workload
from tandem_operator.planning.children import change_over, disruption_budget
from tandem_operator.planning.children.config_maps import engine_config
from tandem_operator.planning.children.revisions.revision import KEPT, Revision
from tandem_operator.planning.lock import report as lock_report
from tandem_operator.planning.lock.steps import Accepted, Refused, Step
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.plan import Remove
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.rollout import form as pod_form
from tandem_operator.planning.rollout.form import PodForm
from tandem_operator.planning.snapshot import Snapshot

Object = dict[str, Any]

JOB_KEPT_S = 60.0
"""How long a finished Job is kept for its log, once its report is in status or a revision."""


@dataclass(frozen=True)
class Removals:
    """What to delete now, and seconds until something else is due."""

    removes: tuple[Remove, ...]
    due_s: float | None


def find(
    resource: Resource,
    observed: ObservedObjects,
    step: Step,
    revisions: tuple[Revision, ...],
    form: PodForm | None,
    snapshot: Snapshot,
) -> Removals:
    """Everything of the resource's own that is no longer needed."""
    gone: list[Object] = []
    due: list[float] = []
    now = snapshot.now
    wanted_job = names.lock_job(resource.name, resource.input_hash)
    for job in observed.all_ours("Job"):
        if job["metadata"]["name"] != wanted_job:
            gone.append(job)
            continue
        ended = lock_report.has_ended(job, observed.all_of("Pod"))
        seen = snapshot.ended_at(job["metadata"]["uid"]) if ended else None
        at = _job_leaves_at(resource, seen, step, revisions)
        if at is not None:
            (gone.append(job) if at <= now else due.append((at - now).total_seconds()))
    if form is not None:
        gone += _tables(resource, observed, form.revision)
        gone += engine_config.unused(observed, (*revisions, form.revision))
        gone += _revisions(resource, observed, revisions, form.revision)
        gone += change_over.outlived(resource, form.revision, form.replicas, observed)
    gone += pod_form.outlived(resource, observed, form, revisions)
    workers = None if form is None else form.revision.workers
    gone += disruption_budget.needless(resource, workers, observed)
    return Removals(
        tuple(Remove(observed_objects.reference(each), each["metadata"]["uid"]) for each in gone),
        min(due, default=None),
    )


def _job_leaves_at(
    resource: Resource, ended: datetime | None, step: Step, revisions: tuple[Revision, ...]
) -> datetime | None:
    if isinstance(step, Refused) and step.retry_at is not None:
        return step.retry_at
    if ended is None:
        return None
    if isinstance(step, Accepted):
        kept = any(each.input_hash == resource.input_hash for each in revisions)
        return ended + timedelta(seconds=JOB_KEPT_S) if kept else None
    stored = resource.status.candidate
    if (
        stored is not None
        and stored.input_hash == resource.input_hash
        and stored.verdict is not None
        and isinstance(step, Refused)
    ):
        return ended + timedelta(seconds=JOB_KEPT_S)
    return None


def _tables(resource: Resource, observed: ObservedObjects, current: Revision) -> list[Object]:
    """Tables of other locks, once the last pod that mounts one is gone.

    A copy that somebody made of one has its labels and another name: it is theirs.
    """
    used = {current.lock_hash, *workload.locks_in_use(resource.name, observed)}
    kept = {names.speculation_table(resource.name, lock) for lock in used}
    return [
        each
        for each in observed.all_ours("ConfigMap")
        if each["metadata"]["name"] not in kept
        and each["metadata"]["name"]
        == names.speculation_table(resource.name, ownership.lock_of(each))
    ]


def _revisions(
    resource: Resource,
    observed: ObservedObjects,
    revisions: tuple[Revision, ...],
    current: Revision,
) -> list[Object]:
    used = workload.locks_in_use(resource.name, observed)
    serving = None if resource.status.pair is None else resource.status.pair.input_hash
    gone = []
    for old in revisions[KEPT:]:
        if old.lock_hash in used or old.input_hash in (current.input_hash, serving):
            continue
        place = names.controller_revision(resource.name, old.input_hash)
        existing = observed.ours("ControllerRevision", place)
        if existing is not None:
            gone.append(existing)
    return gone
