"""What the loop keeps of one resource between two rounds: tuner, rollout watch, start profile."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tandem_operator.api import names
from tandem_operator.api.spec import Spec, TuningMode
from tandem_operator.clock import Clock
from tandem_operator.control import start_profile, state_cache
from tandem_operator.control.rollouts.rollout_watch import RolloutWatch
from tandem_operator.control.served import config_map, experts
from tandem_operator.control.tuner import Tuner
from tandem_operator.control.tuner_settings import (
    drafts_all,
    fixed_tokens,
    settings_of,
    with_fixed_tokens,
)
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.engines.registry import driver, may_stop_drafting
from tandem_operator.metrics.replicas import Replica, common_shape
from tandem_operator.metrics.scrape import Outcome
from tandem_operator.planning import TuningView
from tandem_operator.tuning import Settings

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""
Read = Callable[[str, tuple[Replica, ...], MetricsReader], Awaitable[Mapping[str, Outcome]]]
"""What each pod of a namespace counted, or what went wrong: the pods themselves or Prometheus."""

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subject:
    """A resource and everything that the store holds of it, while one of its pods may be read.

    ``tuners`` finds `<name>-tuner` of all resources of the namespace, when they are needed.
    """

    resource: Object
    objects: tuple[Object, ...]
    tuners: Callable[[], Iterable[Object]] = tuple


class ResourceTuning:
    """One resource's. Its tuner learns from one lock and one engine shape; others have another."""

    def __init__(self, key: Key, interval_s: float) -> None:
        self._key = key
        self._interval_s = interval_s
        self._tuner: Tuner | None = None
        self._rollouts: RolloutWatch | None = None
        self._profile: tuple[tuple[str, Spec], Mapping[str, Any] | None] | None = None
        self._reported: tuple[object, ...] | None = None

    def view(self) -> TuningView | None:
        """What planning takes; None before the first decision."""
        view = None if self._tuner is None else self._tuner.view()
        if view is None or self._rollouts is None:
            return view
        return replace(
            view, rollout=self._rollouts.evidence(), history_json=self._rollouts.history_json
        )

    def due_in_s(self, now_s: float, quick_s: float) -> float:
        """Seconds until the next round."""
        return self._interval_s if self._tuner is None else self._tuner.due_in_s(now_s, quick_s)

    async def take(
        self,
        subject: Subject,
        spec: Spec,
        replicas: tuple[Replica, ...],
        read: Read,
        clock: Clock,
    ) -> bool:
        """Read all replicas, which are of one lock, and learn from them.

        Returns:
            Whether the view has something new to tell.
        """
        outcomes = await read(self._key[0], replicas, driver(spec.engine.type).metrics)
        samples = {pod: each for pod, each in outcomes.items() if isinstance(each, EngineSample)}
        lost = {pod: each for pod, each in outcomes.items() if not isinstance(each, EngineSample)}
        now_s = clock.now_s()
        lock, shape = replicas[0].lock, common_shape(replicas)
        settings = self._settings(subject, spec, replicas, lock, shape)
        fixed = fixed_tokens(spec, replicas)
        learns = settings if fixed is None else with_fixed_tokens(settings, fixed)
        rollouts = self._rollouts
        if rollouts is None or rollouts.lock != lock:
            kept = config_map(names.tuner(self._key[1]), subject.objects)
            rollouts = self._rollouts = RolloutWatch.resumed(lock, kept)
        tuner = self._tuner
        if tuner is None or (tuner.lock, tuner.shape) != (lock, shape):
            tuner = self._tuner = self._begun(lock, shape, learns, subject, now_s)
        recorded = spec.tuning.mode is not TuningMode.FIXED
        tuner.take(replicas, samples, lost, learns, now_s, recorded=recorded)
        rollouts.take(
            replicas,
            samples,
            tuner,
            replace(settings, tiers=None),
            now_s,
            may_stop=may_stop_drafting(spec),
            fixed=fixed,
        )
        return self._is_news()

    def _settings(
        self,
        subject: Subject,
        spec: Spec,
        replicas: tuple[Replica, ...],
        lock: str,
        shape: str,
    ) -> Settings:
        tiers = next(replica.tiers for replica in replicas if replica.shape == shape)
        live_mode = driver(spec.engine.type).live_mode(spec)
        reported = () if self._tuner is None else self._tuner.replicas
        settings = settings_of(
            spec,
            tiers,
            experts(lock, subject.objects),
            drafts_all(live_mode, reported),
        )
        return replace(settings, profile=self._start_profile(spec, subject.objects))

    def _begun(
        self, lock: str, shape: str, settings: Settings, subject: Subject, now_s: float
    ) -> Tuner:
        former = self._tuner
        own = config_map(names.tuner(self._key[1]), subject.objects)
        remembered = state_cache.remembered(
            lock,
            shape,
            own,
            None if former is None else former.kept(),
            () if former is None else former.earlier,
            subject.tuners(),
        )
        return Tuner.resumed(lock, shape, settings, self._interval_s, now_s, remembered)

    def _start_profile(self, spec: Spec, objects: tuple[Object, ...]) -> Mapping[str, Any] | None:
        """The start profile; a refused one is logged once and not used."""
        stored = config_map(names.profile(self._key[1]), objects)
        if stored is None:
            self._profile = None
            return None
        source = (stored["metadata"].get("resourceVersion", ""), spec)
        if self._profile is None or self._profile[0] != source:
            profile: Mapping[str, Any] | None = None
            try:
                profile = start_profile.read(stored, spec)
            except start_profile.ProfileRefusedError as problem:
                LOG.warning("%s/%s: the start profile is not used: %s", *self._key, problem)
            self._profile = (source, profile)
        return self._profile[1]

    def _is_news(self) -> bool:
        view = self.view()
        if view is None:
            return False
        decision, rollout = view.decision, view.rollout
        now = (
            decision.schedule,
            decision.prefill_schedule,
            str(decision.explore),
            decision.state,
            decision.reason,
            view.metrics.status,
            view.metrics.reason,
            view.state_json,
            tuple((r.pod, r.applied_generation, r.epoch, r.mode) for r in view.replicas),
            None if view.acceptance_rate is None else round(view.acceptance_rate * 50),
            None if rollout is None else (rollout.off_since, rollout.decay, rollout.stopped),
        )
        news, self._reported = now != self._reported, now
        return news
