"""Everything that is known about one resource at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning.plan import Reference
from tandem_operator.planning.rollout.evidence import RolloutEvidence
from tandem_operator.tuning import Decision

Object = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """A write that the API server refused, until one of the same object succeeds.

    ``code`` is the HTTP status (403 quota or pod security, 409 conflict, 422 invalid, 5xx a webhook
    or the API server itself, which may take the next try); ``generation`` the resource's when it
    happened; ``at`` is when it began, ``tried_at`` when it was last tried. Without the latter the
    write waits for a new generation. ``uid`` is the object that was to be changed; None: there was
    none.
    """

    reference: Reference
    code: int
    message: str
    generation: int
    at: datetime
    tried_at: datetime | None = None
    uid: str | None = None


@dataclass(frozen=True)
class ReplicaView:
    """What one ready pod's metrics said last. None: its page does not tell (no plugin)."""

    pod: str
    uid: str
    lock: str | None = None
    epoch: str | None = None
    applied_generation: int | None = None
    mode: str | None = None
    mode_reason: str | None = None
    effective_tokens: int | None = None
    running: float | None = None


@dataclass(frozen=True)
class MetricsView:
    """Whether the numbers can be stood on; the reasons are those of MetricsAvailable."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str


@dataclass(frozen=True)
class TuningView:
    """What the tuning loop holds about the resource; None before its first reading.

    ``decision`` is what the tuner proposes for the pods of ``lock_hash``; whether it goes into the
    table is the plan's to say (tuning.mode: Auto alone applies it; Observe and Fixed keep
    initialTokens, and Observe tells the proposal). ``state_json`` is the learned state,
    ``records_json`` the newest decision records and ``history_json`` the acceptance of the last
    hours, as they go into `<name>-tuner`;
    ``earlier_json`` are states of engines that served before, ``shape`` names what the present ones
    are made of. ``state_due`` says that all this should be written now (a decision, or ten minutes
    passed).
    ``acceptance_rate`` is 0..1 over the last minutes, ``segments`` the same by traffic segment.
    ``rollout`` is what a rollout may follow from.
    The three counters run since the tuner began with these engines.
    """

    lock_hash: str
    decision: Decision
    decided_at: datetime
    metrics: MetricsView
    drafted_tokens: float
    wasted_tokens: float
    mixed_depth_steps: float
    replicas: tuple[ReplicaView, ...] = ()
    acceptance_rate: float | None = None
    mean_accepted_tokens: float | None = None
    segments: Mapping[str, float] = field(default_factory=dict)
    shape: str = ""
    state_json: str | None = None
    earlier_json: str | None = None
    records_json: str | None = None
    history_json: str | None = None
    state_due: bool = False
    rollout: RolloutEvidence | None = None


@dataclass(frozen=True)
class Snapshot:
    """One resource, everything of its own, and what stands in its way.

    ``resource`` is the SpeculativeDeployment as the API server holds it. ``objects`` are all
    objects of the namespace that carry its label, an owner reference to it or the name of one of
    its children, each in full with apiVersion and kind: Deployment, LeaderWorkerSet, Service,
    ConfigMap, PodDisruptionBudget, PodMonitor, ControllerRevision, Job, Pod (of the lock and of the
    engine), ReplicaSet, StatefulSet. The first reconciliation after a start waits until all kinds
    are listed, so absence is fact, but for names that carry no label of ours (see `Plan.look_up`).
    ``pairs`` are the namespace's lock Jobs, their pods and ControllerRevisions, of all resources,
    by the label of their pair, and by any key within. ``blind`` says why absence is no fact: a kind
    cannot be watched. ``ends`` says by UID when the operator first saw that an object had ended
    (see `sightings`), by its own clock; ``warnings`` holds the words of the newest Event about an
    object that a plan asked about, by its UID. ``unserved`` are kinds of which nothing can be made
    or seen here, and why.
    """

    resource: Object
    objects: tuple[Object, ...]
    installation: Installation
    now: datetime
    tuning: TuningView | None = None
    failures: tuple[Failure, ...] = ()
    pairs: Mapping[str, Mapping[Any, Object]] = field(default_factory=dict)
    blind: str | None = None
    ends: Mapping[str, datetime] = field(default_factory=dict)
    warnings: Mapping[str, str] = field(default_factory=dict)
    unserved: Mapping[str, str] = field(default_factory=dict)

    def ended_at(self, uid: str) -> datetime:
        """When an object that has ended was first seen so: now, if never before."""
        return self.ends.get(uid, self.now)
