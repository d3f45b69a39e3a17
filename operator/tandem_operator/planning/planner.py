"""`plan`: from one snapshot to everything that shall be done about its resource.

A new input first becomes a revision, and what is made of it is written only if the revision was:
pods are made from stored revisions alone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tandem_operator.api import names
from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import EngineType
from tandem_operator.engines import registry
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.planning import prune, resource, workload
from tandem_operator.planning.children import (
    change_over,
    disruption_budget,
    placement,
    pod_annotations,
    pod_monitor,
    service,
)
from tandem_operator.planning.children.config_maps import engine_config, table, tuner_state
from tandem_operator.planning.children.placement import Child, ChildPlan
from tandem_operator.planning.children.revisions import revision
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.lock import state as lock_state
from tandem_operator.planning.lock.steps import Accepted, Step
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.plan import Asked, Plan, Reference, Sharing
from tandem_operator.planning.pod import template as pod_template
from tandem_operator.planning.resource import Resource, UnreadableSpecError
from tandem_operator.planning.rollout import form as pod_form
from tandem_operator.planning.rollout import state as rollout_state
from tandem_operator.planning.rollout.form import PodForm
from tandem_operator.planning.snapshot import Snapshot
from tandem_operator.planning.status import events, failing_writes, serving, stalled, summary
from tandem_operator.planning.status.inputs import StatusInputs
from tandem_operator.planning.workload import Workload
from tandem_runtime.contract import pod_lock

Object = dict[str, Any]
Drivers = Callable[[EngineType], Driver]

FOLLOWED_S = 60.0
"""Another resource's Job is checked after this time, though its end wakes who waits for it."""


def plan(snapshot: Snapshot, drivers: Drivers = registry.driver) -> Plan:
    """What to do now. The same snapshot gives the same plan, and a world in which the plan was
    carried out gives an empty one."""
    if "deletionTimestamp" in snapshot.resource["metadata"]:
        return Plan()
    if snapshot.blind is not None:
        return stalled.of(snapshot, StalledReason.WATCH_REFUSED, snapshot.blind)
    try:
        wanted = resource.parse(snapshot.resource)
    except UnreadableSpecError as error:
        return stalled.of(
            snapshot,
            StalledReason.UNSUPPORTED_COMBINATION,
            f"this release does not know the spec: {error}",
        )
    observed = ObservedObjects(wanted, snapshot.objects)
    driver = drivers(wanted.spec.engine.type)
    revisions = revision.all_of(observed)
    wanted = revision.taken_up(wanted, revisions)
    step = lock_state.step(wanted, observed, revisions, driver, snapshot)
    current = _current(step, revisions)
    source = _source(wanted, step, current, observed, snapshot)
    form = None
    if source is not None:
        form = pod_form.find(wanted, step, source, observed, driver, snapshot)
    child_plan = placement.place(
        wanted, _children(wanted, step, form, revisions, observed, snapshot), observed, snapshot
    )
    change_pending = wanted.spec.paused and child_plan.writes_workload
    if wanted.spec.paused:
        child_plan = ChildPlan(conflicts=child_plan.conflicts, look_up=child_plan.look_up)
    if current is not source and current is not None:
        # What is accepted is stored by this plan; until it is, the pods are of the one before.
        form = pod_form.of_previous(wanted, current, observed, snapshot)
    elif current is None:
        form = None
    return _plan_with_status(
        wanted, observed, revisions, step, form, child_plan, driver, snapshot, change_pending
    )


def _plan_with_status(
    wanted: Resource,
    observed: ObservedObjects,
    revisions: tuple[Revision, ...],
    step: Step,
    form: PodForm | None,
    child_plan: ChildPlan,
    driver: Driver,
    snapshot: Snapshot,
    change_pending: bool,
) -> Plan:
    current = None if form is None else form.revision
    gone = prune.find(wanted, observed, step, revisions, form, snapshot)
    state = workload.read(wanted.name, observed, current, snapshot.now, snapshot.warnings)
    existing = None
    if current is not None:
        place = names.speculation_table(wanted.name, current.lock_hash)
        existing = table.observed(observed.ours("ConfigMap", place))
    inputs = StatusInputs(
        resource=wanted,
        now=snapshot.now,
        step=step,
        current=current,
        serving=serving.find(
            wanted,
            observed,
            revisions,
            current,
            rolled_out=state.rolled_out and not child_plan.writes_workload,
        ),
        workload=state,
        child_plan=child_plan,
        table=existing,
        tuning=snapshot.tuning,
        live_mode=driver.live_mode(wanted.spec),
        status_written_at=_written_at(snapshot.resource),
        plugin_reports=driver.plugin != pod_lock.PLUGIN_START,
        failing=failing_writes.messages(snapshot, child_plan.applies, gone.removes),
        change_pending=change_pending,
        form=form,
    )
    after = summary.made(inputs, snapshot.installation.name)
    changed = after != wanted.status
    paused = wanted.spec.paused
    waits_s = None if form is None else form.due_s
    rests = (child_plan.retry_s, gone.due_s, waits_s, state.deadline_in_s, summary.due_s(inputs))
    due = [seconds for seconds in rests if seconds is not None]
    sharing = _sharing(wanted, step)
    if sharing is not None and sharing.by != wanted.name:
        due.append(FOLLOWED_S)
    return Plan(
        applies=child_plan.applies,
        removes=() if paused else gone.removes,
        pod_annotations=()
        if paused
        else pod_annotations.find(_pods(wanted, observed, form), existing),
        status=after.to_object() if changed else None,
        event_records=events.between(wanted.status, after) if changed else (),
        look_up=child_plan.look_up,
        requeue_after_s=None if paused else min(due, default=None),
        sharing=sharing,
        ask=_asked(step, state),
    )


def _pods(wanted: Resource, observed: ObservedObjects, form: PodForm | None) -> list[Object]:
    """Every pod that reads a table, the canary's too."""
    canaries = () if form is None else form.canary.pods
    return [*workload.pods(wanted.name, observed), *canaries]


def _asked(step: Step, state: Workload) -> tuple[Asked, ...]:
    of_lock = None if isinstance(step, Accepted) else step.ask
    return tuple(each for each in (of_lock, state.ask) if each is not None)


def _sharing(wanted: Resource, step: Step) -> Sharing | None:
    """What is shared now. A paused resource makes no Job that others could wait for."""
    if isinstance(step, Accepted) or (wanted.spec.paused and step.job is not None):
        return None
    return step.sharing


def _current(step: Step, revisions: tuple[Revision, ...]) -> Revision | None:
    """The revision that children stand by: the newest that is stored."""
    if isinstance(step, Accepted):
        known = [each for each in revisions if each.input_hash == step.revision.input_hash]
        if known:
            return known[0]
    return revisions[0] if revisions else None


def _children(
    wanted: Resource,
    step: Step,
    form: PodForm | None,
    revisions: tuple[Revision, ...],
    observed: ObservedObjects,
    snapshot: Snapshot,
) -> list[Child]:
    made: list[Child] = []
    if isinstance(step, Accepted):
        body = revision.body(wanted, step.revision)
        if form is not None and form.state.number == step.revision.number:
            body = rollout_state.annotated(body, form.next)
        made.append(Child(body))
    elif step.job is not None:
        made.append(Child(step.job))
    made += [
        Child(revision.body(wanted, each)) for each in _orphans(wanted, step, revisions, observed)
    ]
    if form is None:
        return made
    source = form.revision
    kept = revision.reference(wanted, source)
    made += [Child(each, needs=kept) for each in form.render]
    made += _tables(wanted, form, revisions, observed, snapshot)
    made += [Child(each, needs=kept) for each in engine_config.bodies(wanted, source)]
    made.append(Child(service.body(wanted, service.port_of(source.template)), needs=kept))
    made += [Child(each) for each in disruption_budget.bodies(wanted, source.workers)]
    if snapshot.installation.pod_monitors:
        metrics = pod_template.metrics_of(source.template)
        made.append(Child(pod_monitor.body(wanted, metrics, snapshot.installation)))
    mounted = Reference("v1", "ConfigMap", names.speculation_table(wanted.name, source.lock_hash))
    workloads = change_over.bodies(wanted, source, form.replicas, revisions, observed)
    made += [
        Child(each, needs=mounted) for each in workloads if each["kind"] not in snapshot.unserved
    ]
    if form.canary_body is not None:
        made.append(Child(form.canary_body, needs=mounted))
    learned = tuner_state.body(wanted, snapshot.tuning)
    if learned is not None:
        made.append(Child(learned))
    return made


def _source(
    wanted: Resource,
    step: Step,
    current: Revision | None,
    observed: ObservedObjects,
    snapshot: Snapshot,
) -> Revision | None:
    """The revision that children are made from: the accepted one, stored or about to be."""
    if not isinstance(step, Accepted):
        return current
    if current is not None and current.input_hash == step.revision.input_hash:
        return current
    kept = placement.place(
        wanted, [Child(revision.body(wanted, step.revision))], observed, snapshot
    )
    return step.revision if kept.applies else current


def _orphans(
    wanted: Resource, step: Step, revisions: tuple[Revision, ...], observed: ObservedObjects
) -> list[Revision]:
    """Earlier revisions that nobody controls any more: they are the resource's to keep and end."""
    newest = step.revision.input_hash if isinstance(step, Accepted) else None
    return [
        each
        for each in revisions
        if each.input_hash != newest
        and observed.is_orphan(
            "ControllerRevision", names.controller_revision(wanted.name, each.input_hash)
        )
    ]


def _tables(
    wanted: Resource,
    form: PodForm,
    revisions: tuple[Revision, ...],
    observed: ObservedObjects,
    snapshot: Snapshot,
) -> list[Child]:
    """The table of the accepted lock, and of every other whose pods still serve: both are tuned."""
    by_lock = {each.lock_hash: each for each in reversed(revisions)}
    used = workload.locks_in_use(wanted.name, observed)
    source = form.table_of
    locks = [
        source,
        *(by_lock[lock] for lock in sorted(used - {source.lock_hash}) if lock in by_lock),
    ]
    made = []
    for each in locks:
        name = names.speculation_table(wanted.name, each.lock_hash)
        existing = observed.ours("ConfigMap", name)
        if existing is None and each is not source:
            continue
        tuning = form.tuning if each is source else snapshot.tuning
        body = table.body(wanted, table.wanted(wanted, each, existing, tuning))
        needs = revision.reference(wanted, each) if each is source else None
        made.append(Child(body, guarded=True, needs=needs))
    return made


def _written_at(raw: Object) -> datetime | None:
    """When status was last written, as far as the object itself says."""
    times = [
        entry["time"]
        for entry in raw["metadata"].get("managedFields", [])
        if entry.get("subresource") == "status" and "time" in entry
    ]
    return max((datetime.fromisoformat(time) for time in times), default=None)
