"""The tuner of one resource: what it read last, what it learned, what it decided."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tandem_operator.control import decision_log
from tandem_operator.control.counts import judged_of
from tandem_operator.control.metrics_condition import Lost, condition
from tandem_operator.control.state_cache import Kept, Remembered, earlier_to_json
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.metrics.replicas import Replica
from tandem_operator.metrics.windows import segments_between, window_between
from tandem_operator.planning import MetricsView, ReplicaView, TuningView
from tandem_operator.tuning import Decision, Settings, State, Window, initial_state, tune

PERSIST_EVERY_S = 600.0
QUICK_FOR_S = 60.0
RATE_OVER_S = 60.0


@dataclass
class Tuner:
    """Holds state between rounds; every decision itself is `tune`'s.

    ``lock`` and ``shape`` are those of the pods that it learns from; other ones have another
    learner. ``earlier``: what was learned of engines that served before. ``judged`` and
    ``judged_segments`` are (accepted, rejected) of the last round.
    """

    lock: str
    shape: str
    state: State
    interval_s: float
    started_s: float
    earlier: tuple[Kept, ...] = ()
    records: tuple[decision_log.Record, ...] = ()
    decision: Decision | None = None
    decided_at_s: float = 0.0
    quick_until_s: float = 0.0
    metrics: MetricsView = field(
        default_factory=lambda: MetricsView(
            "Unknown", "Unreachable", "no replica has been scraped yet"
        )
    )
    judged: tuple[float, float] = (0.0, 0.0)
    judged_segments: dict[str, tuple[float, float]] = field(default_factory=dict)
    _readings: dict[str, EngineSample] = field(default_factory=dict)
    _replicas: tuple[ReplicaView, ...] = ()
    _answered_s: float | None = None
    _drafts: deque[tuple[float, float, float, float]] = field(default_factory=deque)
    _segments: deque[tuple[float, dict[str, tuple[float, float]]]] = field(default_factory=deque)
    _drafted_tokens: float = 0.0
    _wasted_tokens: float = 0.0
    _mixed_depth_steps: float = 0.0
    _persisted: tuple[str, str] | None = None
    _persisted_s: float | None = None
    _learned_since: bool = False

    @classmethod
    def resumed(
        cls,
        lock: str,
        shape: str,
        settings: Settings,
        interval_s: float,
        now_s: float,
        remembered: Remembered,
    ) -> Tuner:
        """From what was kept of just these engines; a state that cannot be read starts again."""
        state = initial_state(settings)
        state_json, records_json = remembered.state_json, remembered.records_json
        if state_json is not None:
            try:
                state = State.from_json(state_json)
            except ValueError:
                state_json = None
        records = decision_log.from_json(records_json) if records_json else ()
        tuner = cls(lock, shape, state, interval_s, now_s, remembered.earlier, records)
        if remembered.stored and state_json is not None and records_json is not None:
            tuner._persisted = (state_json, records_json)
            tuner._persisted_s = now_s
        return tuner

    def take(
        self,
        replicas: tuple[Replica, ...],
        samples: Mapping[str, EngineSample],
        lost: Mapping[str, Lost],
        settings: Settings,
        now_s: float,
        *,
        recorded: bool = True,
    ) -> None:
        """Learn from one reading of all replicas; both maps are by pod name.

        ``recorded``: decisions and state are worth keeping, because somebody acts on them.
        """
        windows = self._windows(replicas, samples, settings)
        if samples:
            self._answered_s = now_s
        self.state, decision = tune(self.state, windows, settings)
        traffic = any(w.generated_tokens > 0 or w.running > 0 for w in windows)
        self._learned_since = self._learned_since or traffic
        if self.decision is None or decision.changed or _differs(self.decision, decision):
            self.decided_at_s = now_s
            self.quick_until_s = now_s + QUICK_FOR_S
            is_new = self.decision is None and decision_log.tells(self.records, decision)
            if recorded and not is_new and (self.decision is not None or traffic):
                self.records = decision_log.appended(
                    self.records, decision_log.record_of(decision, windows, now_s, self.lock)
                )
                self._persist(now_s)
        elif (
            recorded
            and self._learned_since
            and now_s - (self._persisted_s or 0.0) >= PERSIST_EVERY_S
        ):
            self._persist(now_s)
        self.decision = decision
        silent_s = now_s - (self._answered_s if self._answered_s is not None else self.started_s)
        self.metrics = condition(
            read=len(samples),
            lost=lost,
            traffic=traffic,
            silent_s=silent_s,
            interval_s=self.interval_s,
        )
        self._replicas = tuple(_view(r, samples.get(r.pod)) for r in replicas)

    @property
    def replicas(self) -> tuple[ReplicaView, ...]:
        """What each replica said last."""
        return self._replicas

    @property
    def persisted_state(self) -> str | None:
        """The state as it goes into `<name>-tuner`; it changes with decisions or in ten minutes."""
        return self._persisted[0] if self._persisted else None

    def kept(self) -> Kept | None:
        """What it leaves to a learner of other engines; None when it learned nothing."""
        if not self.state.learned:
            return None
        return Kept(self.lock, self.shape, self.state.to_json())

    def due_in_s(self, now_s: float, quick_s: float) -> float:
        """Seconds until the next reconciliation: soon after a change, and until every pod was read
        twice."""
        if now_s < self.quick_until_s or self.metrics.status != "True":
            return min(quick_s, self.interval_s)
        return self.interval_s

    def view(self) -> TuningView | None:
        """What planning takes; None before the first decision."""
        if self.decision is None:
            return None
        accepted = sum(entry[1] for entry in self._drafts)
        rejected = sum(entry[2] for entry in self._drafts)
        drafts = sum(entry[3] for entry in self._drafts)
        judged = accepted + rejected
        return TuningView(
            lock_hash=self.lock,
            decision=self.decision,
            decided_at=decision_log.moment(self.decided_at_s),
            metrics=self.metrics,
            replicas=self._replicas,
            acceptance_rate=accepted / judged if judged > 0 else None,
            mean_accepted_tokens=accepted / drafts if drafts > 0 else None,
            segments=self._segment_rates(),
            drafted_tokens=self._drafted_tokens,
            wasted_tokens=self._wasted_tokens,
            mixed_depth_steps=self._mixed_depth_steps,
            shape=self.shape,
            state_json=self.persisted_state,
            earlier_json=earlier_to_json(self.earlier) if self.earlier else None,
            records_json=self._persisted[1] if self._persisted else None,
            state_due=self._persisted is not None,
        )

    def _windows(
        self,
        replicas: tuple[Replica, ...],
        samples: Mapping[str, EngineSample],
        settings: Settings,
    ) -> tuple[Window, ...]:
        windows = []
        self.judged, self.judged_segments = (0.0, 0.0), {}
        known = {replica.uid for replica in replicas}
        for replica in replicas:
            after = samples.get(replica.pod)
            if after is None:
                continue
            before = self._readings.get(replica.uid)
            self._readings[replica.uid] = after
            if before is None or after.at_s <= before.at_s or replica.shape != self.shape:
                continue
            window = window_between(
                before,
                after,
                replica=replica.pod,
                speculation_loaded=replica.speculation_loaded,
            )
            windows.append(window)
            self._count(window, segments_between(before, after), settings.depths)
        self._readings = {uid: reading for uid, reading in self._readings.items() if uid in known}
        return tuple(windows)

    def _count(
        self,
        window: Window,
        segments: dict[str, tuple[float, float]],
        depths: tuple[int, ...],
    ) -> None:
        accepted, rejected = judged_of(window, depths)
        self._drafted_tokens += window.draft_tokens
        self._wasted_tokens += max(window.draft_tokens - accepted, 0.0)
        self._mixed_depth_steps += window.mixed_depth_steps or 0.0
        self._drafts.append((window.now_s, accepted, rejected, window.drafts))
        self._segments.append((window.now_s, segments))
        self.judged = (self.judged[0] + accepted, self.judged[1] + rejected)
        for name, (taken, refused) in segments.items():
            known = self.judged_segments.get(name, (0.0, 0.0))
            self.judged_segments[name] = (known[0] + taken, known[1] + refused)
        for store in (self._drafts, self._segments):
            while store and store[0][0] < window.now_s - RATE_OVER_S:
                store.popleft()

    def _segment_rates(self) -> dict[str, float]:
        sums: dict[str, tuple[float, float]] = {}
        for _, segments in self._segments:
            for name, (accepted, rejected) in segments.items():
                earlier = sums.get(name, (0.0, 0.0))
                sums[name] = (earlier[0] + accepted, earlier[1] + rejected)
        return {name: a / (a + r) for name, (a, r) in sums.items() if a + r > 0}

    def _persist(self, now_s: float) -> None:
        self._persisted = (self.state.to_json(), decision_log.to_json(self.records))
        self._persisted_s = now_s
        self._learned_since = False


def _differs(before: Decision, after: Decision) -> bool:
    return (before.schedule, before.prefill_schedule, before.state, before.reason) != (
        after.schedule,
        after.prefill_schedule,
        after.state,
        after.reason,
    )


def _view(replica: Replica, sample: EngineSample | None) -> ReplicaView:
    view = ReplicaView(pod=replica.pod, uid=replica.uid)
    if sample is None:
        return view
    view = replace(view, running=sample.running)
    plugin = sample.plugin
    if plugin is None:
        return view
    return replace(
        view,
        lock=plugin.lock,
        epoch=plugin.epoch,
        applied_generation=plugin.applied_generation,
        mode=plugin.mode,
        mode_reason=plugin.reason or None,
        effective_tokens=plugin.tokens_for(sample.running),
    )
