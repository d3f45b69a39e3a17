"""What a plan does about the form of the pods: which is rendered, which runs, what is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from tandem_operator.api.spec import OffMode, TuningMode
from tandem_operator.engines.interface.driver import Driver
from tandem_operator.planning import diff, workload
from tandem_operator.planning.children import engine_pods
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.lock.steps import Accepted, Step
from tandem_operator.planning.observed_objects import ObservedObjects
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.rollout import canary, depth, transitions, variant
from tandem_operator.planning.rollout import state as rollout_state
from tandem_operator.planning.rollout.canary import Canary
from tandem_operator.planning.rollout.evidence import RolloutEvidence
from tandem_operator.planning.rollout.state import Form, RolloutState
from tandem_operator.planning.rollout.transitions import RolloutProgress
from tandem_operator.planning.snapshot import Snapshot, TuningView
from tandem_runtime.contract.table import Range

Object = dict[str, Any]

CANARY_RANGE = 256
CANARY_REASON = "Canary"
MEASURED_EVERY_S = 10.0
RECONCILIATIONS_A_DWELL = 10


@dataclass(frozen=True)
class PodForm:
    """``revision`` is what the pods run now: the locked one, or a form of it.

    ``state`` is the stored state, ``next`` what shall be stored; ``render`` are forms to store now
    and ``replicas`` the workload's. ``table_of`` is the revision whose depths the table has, and
    ``tuning`` the view it is made from. ``canary`` is how the canary stands, ``canary_body`` the
    one that is wanted. ``by_rollout``: K is tuned, and a new one is a
    rollout; ``would`` is the one that is worth it, whoever decides.
    """

    revision: Revision
    state: RolloutState
    next: RolloutState
    table_of: Revision
    tuning: TuningView | None
    replicas: int
    canary: Canary = field(default_factory=Canary)
    canary_body: Object | None = None
    render: tuple[Object, ...] = ()
    off: bool = False
    by_rollout: bool = False
    would: int | None = None
    requeue_every_s: float = 60.0

    @property
    def due_s(self) -> float | None:
        """Seconds until time alone may decide something; None: an event is enough."""
        if self.state.form is Form.CANARY:
            return min(MEASURED_EVERY_S, self.requeue_every_s)
        waits = self.state.form is Form.REMOVED or self.off or self.by_rollout
        return self.requeue_every_s if waits else None

    @property
    def depths(self) -> frozenset[int]:
        """K of the forms that run or shall run, beside the revision's own."""
        depths = {self.state.depth, self.next.depth}
        return frozenset(tokens for tokens in depths if tokens is not None)

    @property
    def removed(self) -> bool:
        """Whether the pods run without the draft."""
        return self.revision.tiers == (0,)


def find(
    resource: Resource,
    step: Step,
    current: Revision,
    observed: ObservedObjects,
    driver: Driver,
    snapshot: Snapshot,
) -> PodForm:
    """The form of the pods of `current`, by the stored state: a new one is stored first."""
    accepted = isinstance(step, Accepted) and step.revision.input_hash == current.input_hash
    state = rollout_state.read(resource, current, observed)
    if isinstance(step, Accepted) and accepted and step.revision.number != current.number:
        state = RolloutState(step.revision.number)  # the pair is returned to
    existing = canary.read(resource, observed)
    wanted = _wanted(state, existing)
    render: tuple[Object, ...] = ()
    base = current
    removed = variant.stored(resource, current, 0, observed)
    runs = base
    tokens = state.depth if wanted is Form.LOADED else 0
    if tokens is not None:
        kept = variant.stored(resource, current, tokens, observed)
        if kept is not None:
            runs = kept
        elif accepted:
            body = variant.body(resource, current, tokens, driver, snapshot.installation)
            render, runs = (body,), variant.of(current, body["data"])
    runs = _restarted(runs, state)
    replicas = _replicas(resource, current, wanted, existing)
    form = PodForm(
        revision=runs,
        state=state,
        next=state,
        table_of=runs,
        tuning=snapshot.tuning,
        replicas=replicas,
        canary=existing,
        render=render,
        by_rollout=accepted and _by_rollout(resource, current),
    )
    if wanted is Form.CANARY and removed is not None:
        form = replace(
            form,
            canary_body=canary.body(resource, _restarted(base, state)),
            table_of=base,
            tuning=_canarys_table(snapshot.tuning, state),
        )
    if not accepted or resource.spec.paused or render:
        return form
    evidence = _evidence(snapshot.tuning, current)
    world = RolloutProgress(_settled(resource, form, observed, snapshot), existing.exists)
    times, now = snapshot.installation.rollout_times, snapshot.now
    decided = transitions.next_state(state, resource.spec, evidence, world, now, times)
    own = current.fixed_tokens if current.workers is None else None
    would = None
    if decided is state and own is not None:
        seen = None if evidence is None else evidence.depths
        start = depth.pod_start(workload.pods(resource.name, observed), times)
        settled = world.settled and not existing.exists
        would = depth.proposed(state, own, seen, now, times, start)
        decided = depth.next_state(
            state, own, resource.spec, seen, now, times, start, settled=settled
        )
    return replace(
        form,
        next=decided,
        would=None if would is None else would.tokens,
        off=evidence is not None and evidence.off_since is not None and _redeploys(resource),
        requeue_every_s=min(
            60.0, min(times.remove_after, times.depth_for) / RECONCILIATIONS_A_DWELL
        ),
    )


def of_previous(
    resource: Resource, current: Revision, observed: ObservedObjects, snapshot: Snapshot
) -> PodForm:
    """The form that the pods of a pair have which another one follows: nothing more is decided."""
    state = rollout_state.read(resource, current, observed)
    tokens = state.depth if state.form is Form.LOADED else 0
    kept = None if tokens is None else variant.stored(resource, current, tokens, observed)
    runs = _restarted(current if kept is None else kept, state)
    return PodForm(runs, state, state, runs, snapshot.tuning, resource.spec.replicas)


def _by_rollout(resource: Resource, current: Revision) -> bool:
    tuned = resource.spec.tuning.mode is TuningMode.AUTO
    return tuned and current.fixed_tokens is not None and current.workers is None


def _wanted(state: RolloutState, existing: Canary) -> Form:
    """The others follow when the canary is gone: never more than one pod above the replicas."""
    if state.form is Form.LOADED and state.since is not None and existing.exists:
        return Form.REMOVED
    return state.form


def _restarted(revision: Revision, state: RolloutState) -> Revision:
    if state.restarted is None:
        return revision
    metadata = revision.template["metadata"]
    added = {rollout_state.ANNOTATION_RESTARTED: state.restarted.isoformat()}
    annotated = {**metadata, "annotations": {**metadata.get("annotations", {}), **added}}
    return replace(revision, template={**revision.template, "metadata": annotated})


def _replicas(resource: Resource, revision: Revision, wanted: Form, existing: Canary) -> int:
    """Where no pod may be added the canary takes the place of another, if there is another."""
    replicas = resource.spec.replicas
    surges = str(revision.rollout.max_surge) not in ("0", "0%")
    if surges or replicas < 2 or not (wanted is Form.CANARY or existing.exists):
        return replicas
    return replicas - 1


def _canarys_table(tuning: TuningView | None, state: RolloutState) -> TuningView | None:
    """The canary drafts as many tokens as were thought to pay; its neighbours have no draft."""
    if tuning is None or state.tokens is None:
        return tuning
    decision = replace(
        tuning.decision,
        schedule=(Range(1, CANARY_RANGE, state.tokens),),
        prefill_schedule=None,
        explore=None,
        reason=CANARY_REASON,
    )
    return replace(tuning, decision=decision)


def _evidence(tuning: TuningView | None, current: Revision) -> RolloutEvidence | None:
    if tuning is None or tuning.lock_hash != current.lock_hash or tuning.metrics.status != "True":
        return None
    return tuning.rollout


def _redeploys(resource: Resource) -> bool:
    return resource.spec.tuning.off_mode is OffMode.REDEPLOY


def _settled(
    resource: Resource, form: PodForm, observed: ObservedObjects, snapshot: Snapshot
) -> bool:
    kind = form.revision.kind
    counts = workload.read(resource.name, observed, form.revision, snapshot.now)
    existing = observed.ours(kind.kind, kind.name(resource.name))
    wanted = engine_pods.body(resource, form.revision, form.replicas)
    return (
        resource.spec.replicas > 0
        and counts.rolled_out
        and not any(failure.generation == resource.generation for failure in snapshot.failures)
        and existing is not None
        and diff.to_apply(wanted, existing) is None
    )


def outlived(
    resource: Resource,
    observed: ObservedObjects,
    form: PodForm | None,
    revisions: Iterable[Revision],
) -> list[Object]:
    """Canaries that nothing asks for, and forms of pairs that are no longer kept."""
    wanted = None
    if form is not None and form.canary_body is not None:
        wanted = form.canary_body["metadata"]["name"]
    canaries = [
        each for each in canary.all_of(resource, observed) if each["metadata"]["name"] != wanted
    ]
    kept, depths = tuple(revisions), {}
    if form is not None:
        depths = {each.input_hash: frozenset[int]() for each in kept}
        depths[form.table_of.input_hash] = form.depths
    return [*canaries, *variant.outlived(resource, observed, kept, depths)]
