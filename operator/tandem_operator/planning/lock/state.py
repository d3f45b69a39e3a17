"""From an input to a locked revision: which Job to run, what its report means, what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tandem_operator.api import names
from tandem_operator.api.conditions import PairReason, StalledReason
from tandem_operator.engines import registry
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.engines.interface.field_error import FieldError, message_of
from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning.children.revisions import known_input, new_revision
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.lock import assessment
from tandem_operator.planning.lock import cache as lock_cache
from tandem_operator.planning.lock import job as lock_job
from tandem_operator.planning.lock import report as lock_report
from tandem_operator.planning.lock.steps import Accepted, Locking, Refused, Step
from tandem_operator.planning.lock.wait import Pending
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.plan import Sharing
from tandem_operator.planning.pod import accelerator_memory, devices, sources
from tandem_operator.planning.pod import merge as template_merge
from tandem_operator.planning.pod import template as pod_template
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.snapshot import Snapshot
from tandem_operator.planning.status import candidate
from tandem_operator.workloads import leader_worker_set
from tandem_operator.workloads.leader_worker_set import LEADER_WORKER_SET
from tandem_runtime.contract.report import LockFailure, PairReport

Object = dict[str, Any]

RETRY_S = 600.0
"""A Job that could not inspect is followed by another after this time."""
LOCKING = "Locking"
STALLED_REASONS: dict[str, StalledReason] = {reason.value: reason for reason in StalledReason}
PAIR_REASONS: dict[str, PairReason] = {reason.value: reason for reason in PairReason}


def step(
    resource: Resource,
    observed: ObservedObjects,
    revisions: tuple[Revision, ...],
    driver: Driver,
    snapshot: Snapshot,
) -> Step:
    """Where the resource's present input stands."""
    known = known_input.find(resource, revisions)
    # Fields that are no part of the input hash change what the engine can do: judged every time.
    refusals = registry.refusals(driver, resource.spec)
    refusals = (*refusals, *_missing_kind(resource, driver, snapshot))
    if known is not None:
        if refusals:
            return _refused_by_spec(resource, refusals, known.report)
        return Accepted(known.numbered(_number(known, revisions)))
    refusals = (
        *refusals,
        *sources.validate(resource.spec),
        *template_merge.validate(resource.spec.template, driver.owned_env),
        *devices.validate(driver, resource.spec),
    )
    if refusals:
        return _refused_by_spec(resource, refusals)
    remembered = _remembered(resource, snapshot.installation)
    if remembered is not None:
        return remembered
    return _read(resource, observed, revisions, driver, snapshot)


def _missing_kind(resource: Resource, driver: Driver, snapshot: Snapshot) -> tuple[FieldError, ...]:
    """Why a replica of several pods has nothing to run in."""
    pods = nodes.of(driver, resource.spec)
    why = snapshot.unserved.get(LEADER_WORKER_SET.kind)
    if pods == 1 or why is None:
        return ()
    field, value = "spec.parallelism.pipeline", resource.spec.parallelism.pipeline
    if resource.spec.accelerator.count is not None:
        field, value = "spec.accelerator.count", resource.spec.accelerator.count
    return (
        FieldError(
            StalledReason.MISSING_KIND,
            field,
            str(value),
            f"a replica of {pods} pods needs {LEADER_WORKER_SET.kind}, and {why}",
            f"{leader_worker_set.INSTALL}; it is found within seconds",
        ),
    )


def _number(known: Revision, revisions: tuple[Revision, ...]) -> int:
    """A revision that is returned to becomes the newest."""
    return known.number if revisions[0] == known else revisions[0].number + 1


def _read(
    resource: Resource,
    observed: ObservedObjects,
    revisions: tuple[Revision, ...],
    driver: Driver,
    snapshot: Snapshot,
) -> Step:
    """From the resource's own Job, from what its namespace knows of the pair, or by a new Job."""
    reader = _Reader(resource, revisions, driver, snapshot)
    job = observed.ours("Job", names.lock_job(resource.name, resource.input_hash))
    if job is not None:
        refusals = sources.lost(resource.spec, job)
        if refusals:
            return _refused_by_spec(resource, refusals)
        shared = lock_cache.pair_of(job)
        sharing = None if shared is None else Sharing(shared, resource.name)
        waiting = candidate.waiting(resource, LOCKING)
        outcome = lock_report.read(job, observed.all_of("Pod"), snapshot.warnings, waiting)
        ended = None
        if not isinstance(outcome, Pending):
            ended = snapshot.ended_at(job["metadata"]["uid"])
        return reader.read(outcome, ended, shared, sharing)
    shared = lock_cache.pair(resource, snapshot.installation)
    if shared is not None:
        alike = snapshot.pairs.get(shared, {}).values()
        known = lock_cache.known(shared, alike)
        if known is not None:
            return reader.read(known, None, shared, None)
        scheduled = lock_job.scheduling_name(resource)
        other = lock_cache.elsewhere(resource, shared, scheduled, alike)
        if other is not None:
            return reader.read(other.outcome, None, shared, other.sharing)
    return reader.begun(None if shared is None else Sharing(shared, resource.name))


@dataclass(frozen=True)
class _Reader:
    """What a Job found, wherever it ran, as a step of this resource."""

    resource: Resource
    revisions: tuple[Revision, ...]
    driver: Driver
    snapshot: Snapshot

    def begun(self, sharing: Sharing | None) -> Step:
        """A Job shall be made."""
        wanted = lock_job.body(self.resource, self.snapshot.installation)
        failed_before = candidate.failure(self.resource)
        if failed_before is not None:
            return _failed(self.resource, failed_before, None, wanted, sharing)
        message = "the lock Job is being created"
        return Locking(candidate.of(self.resource, LOCKING, message), message, wanted, sharing)

    def read(
        self,
        outcome: lock_report.Outcome,
        ended: datetime | None,
        pair: str | None,
        sharing: Sharing | None,
    ) -> Step:
        """What an outcome means here. An own Job that has ended is no longer shared with anybody:
        whoever waits for it finds its report."""
        own = sharing is not None and sharing.by == self.resource.name
        followed = None if own else sharing
        if isinstance(outcome, PairReport):
            try:
                return self._of_report(outcome, pair)
            except assessment.UnknownReportError as error:
                outcome = LockFailure(lock_report.LOCK_FAILED, None, str(error))
        failed_before = candidate.failure(self.resource)
        if isinstance(outcome, LockFailure):
            if failed_before is not None and failed_before.message.startswith(outcome.message):
                outcome = failed_before  # told with what the Job had waited for until then
            return _failed(self.resource, outcome, ended, None, followed)
        if failed_before is not None:
            failed = _failed(self.resource, failed_before, None, None, sharing)
            return replace(failed, ask=outcome.ask)
        message = outcome.message
        if followed is not None:
            message = f"the lock Job of {followed.by} inspects the same pair: {message}"
        asked = candidate.of(self.resource, LOCKING, message)
        return Locking(asked, message, sharing=sharing, ask=outcome.ask)

    def _of_report(self, report: PairReport, pair: str | None) -> Step:
        resource, installation = self.resource, self.snapshot.installation
        mounted = sources.mounted(resource.spec, pod_template.FOLDERS)
        method, policy = resource.spec.speculation.method, resource.values.lock_policy
        assessed = assessment.assess(report, method.value, mounted.paths, policy)
        if assessed.lock is None:
            return Refused(
                candidate.of(resource, assessed.reason.value, assessed.message, report),
                StalledReason.PAIR_REJECTED,
                assessed.message,
                assessed.reason,
            )
        validation = self.driver.validate_pair(resource.spec, report)
        refusals = (
            *validation.refusals,
            *accelerator_memory.validate(resource, report, installation, validation.device),
        )
        if refusals:
            return _refused_by_spec(resource, refusals, report)
        made = new_revision.made(
            resource,
            report,
            assessed.lock,
            self.driver,
            installation,
            number=1 + max((revision.number for revision in self.revisions), default=0),
            locked_at=self.snapshot.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        )
        return Accepted(replace(made, pair=pair))


def _refused_by_spec(
    resource: Resource, refusals: tuple[FieldError, ...], report: PairReport | None = None
) -> Refused:
    reason = refusals[0].reason
    message = message_of(tuple(each for each in refusals if each.reason is reason))
    asked = candidate.of(resource, reason.value, message, report)
    return Refused(asked, reason, message, inspected=report is not None, report=report)


def _failed(
    resource: Resource,
    failure: LockFailure,
    ended: datetime | None,
    job: Object | None,
    sharing: Sharing | None,
) -> Refused:
    reason = STALLED_REASONS.get(failure.reason, StalledReason.LOCK_FAILED)
    side = "" if failure.side is None else f"{failure.side}: "
    message = failure.message if failure.message.startswith(side) else side + failure.message
    retry_at = (
        None
        if ended is None
        else datetime.fromtimestamp(ended.timestamp() + RETRY_S, tz=ended.tzinfo)
    )
    asked = candidate.of(resource, reason.value, message)
    return Refused(
        asked, reason, message, retry_at=retry_at, job=job, inspected=True, sharing=sharing
    )


def _remembered(resource: Resource, installation: Installation) -> Refused | None:
    """A refusal that status holds: its Job is gone, and nothing that it judged has changed."""
    stored = resource.status.candidate
    if stored is None or stored.input_hash != resource.input_hash or stored.verdict is None:
        return None
    if stored.reason in PAIR_REASONS:
        pair = PAIR_REASONS[stored.reason]
        return Refused(stored, StalledReason.PAIR_REJECTED, stored.message, pair)
    if stored.reason == StalledReason.INSUFFICIENT_MEMORY.value and (
        accelerator_memory.basis(resource, installation) not in stored.message
    ):
        return None  # the administrator describes another device now
    if stored.reason == StalledReason.MISSING_KIND.value:
        return None  # it is there now
    if stored.reason in STALLED_REASONS:
        return Refused(stored, STALLED_REASONS[stored.reason], stored.message)
    return None
