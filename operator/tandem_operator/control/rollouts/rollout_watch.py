"""What the loop measures for rollouts: how long it is off, what a draft would bring, the canary.

It outlives the tuners of one resource, for a rollout gives the engines another one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tandem_operator.control import decision_log
from tandem_operator.control.counts import judged_of
from tandem_operator.control.rollouts import depth_watch
from tandem_operator.control.rollouts.depth_watch import DepthSums
from tandem_operator.control.rollouts.gate_watch import GateWatch
from tandem_operator.control.state_cache import Kept
from tandem_operator.control.tuner import Tuner
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.metrics.replicas import Replica
from tandem_operator.metrics.windows import window_between
from tandem_operator.planning.children.config_maps import tuner_state
from tandem_operator.planning.rollout.evidence import (
    CanaryView,
    DecayView,
    DepthsView,
    RolloutEvidence,
)
from tandem_operator.tuning import Decision, Settings, State, Window, initial_state
from tandem_operator.tuning.acceptance import decay
from tandem_operator.tuning.acceptance.decay import AcceptanceHistory
from tandem_operator.tuning.policy.without_draft import tokens_worth
from tandem_operator.tuning.table import tokens_in

LOAD_OVER_S = 60.0
MIN_TOKENS = 500.0
"""Output tokens below which a time per token is no measurement."""


@dataclass
class Sums:
    """Counters of some replicas since the canary began."""

    seconds: float = 0.0
    accepted: float = 0.0
    rejected: float = 0.0
    step_seconds: float = 0.0
    tokens: float = 0.0

    def add(self, window: Window, depths: tuple[int, ...]) -> None:
        if window.reset:
            return
        accepted, rejected = judged_of(window, depths)
        self.seconds += window.duration_s
        self.accepted += accepted
        self.rejected += rejected
        self.step_seconds += window.request_step_seconds
        self.tokens += window.generated_tokens - window.first_tokens

    @property
    def seconds_per_token(self) -> float | None:
        """Mean time between two tokens of a request."""
        return self.step_seconds / self.tokens if self.tokens >= MIN_TOKENS else None


@dataclass
class RolloutWatch:
    """One resource's. ``take`` follows each reading of its replicas.

    ``history_json`` is the acceptance of the last hours as it goes into `<name>-tuner`, with the
    tuner's state, so that nothing is written more often.
    """

    lock: str
    history_json: str | None = None
    _off_since_s: float | None = None
    _off_reason: str = ""
    _loads: deque[tuple[float, float]] = field(default_factory=deque)
    _worth: int = 0
    _worth_since_s: float | None = None
    _canary: Replica | None = None
    _own: Sums = field(default_factory=Sums)
    _others: Sums = field(default_factory=Sums)
    _samples: dict[str, EngineSample] = field(default_factory=dict)
    _history: AcceptanceHistory = field(default_factory=AcceptanceHistory)
    _learned: tuple[str, State] | None = None
    _kept_with: str | None = None
    _gate: GateWatch = field(default_factory=GateWatch)
    _sums: DepthSums | None = None
    _depths: DepthsView | None = None
    _seen_s: float | None = None

    @classmethod
    def resumed(cls, lock: str, tuner: Mapping[str, Any] | None) -> RolloutWatch:
        """From the resource's `<name>-tuner`, when it tells of this lock."""
        data = (tuner or {}).get("data") or {}
        text = data.get(tuner_state.HISTORY_KEY)
        if text is None or data.get(tuner_state.LOCK_KEY) != lock:
            return cls(lock)
        return cls(
            lock,
            text,
            _history=AcceptanceHistory.from_json(text),
            _kept_with=data.get(tuner_state.STATE_KEY),
        )

    def take(
        self,
        replicas: Iterable[Replica],
        samples: Mapping[str, EngineSample],
        tuner: Tuner,
        settings: Settings,
        now_s: float,
        *,
        may_stop: bool = False,
        fixed: int | None = None,
    ) -> None:
        """One round, after the tuner's; ``may_stop``: the engine may end speculation by itself.

        ``fixed``: the K of most pods, where it changes by rollout.
        """
        every = tuple(replicas)
        self._gate.take(every if may_stop else (), samples, now_s)
        read = {each.pod: each for each in every if each.pod in samples}
        loads = [samples[pod].running for pod, each in read.items() if not each.canary]
        if loads:
            self._loads.append((now_s, max(loads)))
        while self._loads and self._loads[0][0] < now_s - LOAD_OVER_S:
            self._loads.popleft()
        loaded = any(each.speculation_loaded for each in every if not each.canary)
        decision, batch = tuner.decision, self._batch()
        if loaded and decision is not None:
            self._worth, self._worth_since_s = 0, None
            self._see_off(decision, now_s)
            if batch is not None:
                self._history = decay.added(
                    self._history, now_s, *tuner.judged, batch, tuner.judged_segments
                )
        elif every and not loaded:
            self._off_since_s, self._history = None, AcceptanceHistory()
            self._see_worth(settings, tuner.earlier, now_s)
        self._measure(tuple(read.values()), samples, settings)
        alike = all(each.tiers == (fixed,) for each in every)
        self._see_depths(tuner.state, settings, fixed if alike else None, now_s)
        if tuner.persisted_state not in (None, self._kept_with):
            self._kept_with, self.history_json = tuner.persisted_state, self._history.to_json()

    def evidence(self) -> RolloutEvidence:
        """As it is now."""
        return RolloutEvidence(
            off_since=_moment(self._off_since_s),
            off_reason=self._off_reason,
            batch=self._batch(),
            worth=self._worth,
            worth_since=_moment(self._worth_since_s),
            canary=self._seen(),
            decay=self._decay(),
            stopped=self._gate.stopped(),
            depths=self._depths,
        )

    def _see_depths(
        self, state: State, settings: Settings, fixed: int | None, now_s: float
    ) -> None:
        last_s, self._seen_s = self._seen_s, now_s
        if fixed is None or fixed > settings.max_tokens:
            self._sums = self._depths = None
            return
        if self._sums is None or self._sums.tokens != fixed:
            self._sums = DepthSums(fixed)
        duration_s = now_s - (now_s if last_s is None else last_s)
        self._sums = depth_watch.added(self._sums, state, settings, duration_s)
        self._depths = depth_watch.view(self._sums, state, settings)

    def _decay(self) -> DecayView | None:
        decay_seen = decay.decay_of(self._history)
        if decay_seen is None:
            return None
        return DecayView(decision_log.moment(decay_seen.since_s), decay_seen.level, decay_seen.rate)

    def _batch(self) -> float | None:
        if not self._loads:
            return None
        return sum(load for _, load in self._loads) / len(self._loads)

    def _see_off(self, decision: Decision, now_s: float) -> None:
        """Off is what the tables in force say of the present load; without load it stays."""
        batch = self._batch()
        if batch is None or batch <= 0:
            return
        if tokens_in(decision.schedule, max(batch, 1.0)) > 0:
            self._off_since_s = None
            return
        self._off_reason = decision.reason
        if self._off_since_s is None:
            self._off_since_s = now_s

    def _see_worth(self, settings: Settings, kept: Iterable[Kept], now_s: float) -> None:
        batch = self._batch()
        worth = 0
        if batch is not None and batch > 0:
            learned = self._state(kept) or initial_state(settings)
            worth = tokens_worth(learned, max(batch, 1.0), settings)
        if worth and self._worth_since_s is None:
            self._worth_since_s = now_s
        if not worth:
            self._worth_since_s = None
        self._worth = worth

    def _state(self, kept: Iterable[Kept]) -> State | None:
        """What was last learned of this lock while speculation was loaded; None: it was lost."""
        for each in kept:
            if each.lock != self.lock:
                continue
            if self._learned is None or self._learned[0] != each.state_json:
                try:
                    self._learned = (each.state_json, State.from_json(each.state_json))
                except ValueError:
                    continue
            return self._learned[1]
        return None

    def _measure(
        self,
        read: tuple[Replica, ...],
        samples: Mapping[str, EngineSample],
        settings: Settings,
    ) -> None:
        own = next((each for each in read if each.canary), None)
        if own is None or self._canary is None or own.uid != self._canary.uid:
            self._canary, self._own, self._others = own, Sums(), Sums()
            self._samples = {}
        if own is None:
            return
        for each in read:
            after, before = samples[each.pod], self._samples.get(each.uid)
            if before is not None and after.at_s > before.at_s:
                window = window_between(
                    before,
                    after,
                    replica=each.pod,
                    speculation_loaded=each.speculation_loaded,
                )
                sums = self._own if each.canary else self._others
                sums.add(window, each.tiers or settings.depths)
            self._samples[each.uid] = after

    def _seen(self) -> CanaryView | None:
        if self._canary is None:
            return None
        own = self._own
        judged = own.accepted + own.rejected
        return CanaryView(
            pod=self._canary.pod,
            seconds=own.seconds,
            drafts=judged,
            acceptance_rate=own.accepted / judged if judged > 0 else None,
            seconds_per_token=own.seconds_per_token,
            others_seconds_per_token=self._others.seconds_per_token,
        )


def _moment(at_s: float | None) -> datetime | None:
    return None if at_s is None else decision_log.moment(at_s)
