"""The one loop that reads replicas and lets their tuners learn.

It writes nothing: when there is something to tell, the resource's key goes on the queue, and the
next look takes the view from here.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from tandem_operator.api import names
from tandem_operator.api.spec import Spec, TuningMode
from tandem_operator.clock import Clock
from tandem_operator.control import start_profile, state_cache
from tandem_operator.control.metrics_condition import Lost
from tandem_operator.control.rollout_watch import RolloutWatch
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
from tandem_operator.metrics.prometheus import PrometheusReader
from tandem_operator.metrics.replicas import Replica, common_shape, of_one_lock, replicas_of
from tandem_operator.metrics.scrape import MalformedError, Scraper, UnreachableError
from tandem_operator.planning import TuningView
from tandem_operator.tuning import Settings

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name."""

QUICK_S = 2.0
UNTIL_AN_EVENT_S = math.inf
"""Without a ready pod there is nothing to read, and a pod that becomes ready is an event."""
LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subject:
    """A resource and everything that the store holds of it, while one of its pods may be read.

    ``tuners`` finds `<name>-tuner` of all resources of the namespace, when they are needed.
    """

    resource: Object
    objects: tuple[Object, ...]
    tuners: Callable[[], Iterable[Object]] = tuple


class TuningLoop:
    """Tuners of all resources, looked at one after another when they are due.

    Args:
        subject: what the store holds of a key; None when the resource is gone.
        changed: called with a key whose view has something new to tell.
        interval_s: seconds between looks when nothing changes.
        prometheus: read through it instead of the pods themselves.
    """

    def __init__(
        self,
        *,
        subject: Callable[[Key], Subject | None],
        changed: Callable[[Key], None],
        clock: Clock,
        interval_s: float,
        prometheus: PrometheusReader | None = None,
    ) -> None:
        self._subject = subject
        self._changed = changed
        self._clock = clock
        self._interval_s = interval_s
        self._scraper = Scraper()
        self._prometheus = prometheus
        self._learners: dict[Key, Tuner] = {}
        self._reported: dict[Key, tuple[object, ...]] = {}
        self._rollouts: dict[Key, RolloutWatch] = {}
        self._profiles: dict[Key, tuple[tuple[str, Spec], Mapping[str, Any] | None]] = {}
        self._due: list[tuple[float, Key]] = []
        self._scheduled: set[Key] = set()
        self._looks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def watch(self, key: Key) -> None:
        """Begin with a resource, if it is not watched yet."""
        if key not in self._scheduled:
            self._schedule(key, self._clock.now_s())

    def view(self, key: Key) -> TuningView | None:
        """What the tuner of a resource holds; None before its first look."""
        tuner = self._learners.get(key)
        return self._view(key, tuner) if tuner else None

    def _view(self, key: Key, tuner: Tuner) -> TuningView | None:
        view, watch = tuner.view(), self._rollouts.get(key)
        if view is None or watch is None:
            return view
        return replace(view, rollout=watch.evidence(), history_json=watch.history_json)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. A resource that fails is logged and looked at again."""
        try:
            while not stop.is_set():
                now_s = self._clock.now_s()
                while self._due and self._due[0][0] <= now_s:
                    _, key = heapq.heappop(self._due)
                    task = asyncio.create_task(self._look_and_schedule(key))
                    self._looks.add(task)
                    task.add_done_callback(self._looks.discard)
                await self._wait(stop)
        finally:
            for task in self._looks:
                task.cancel()
            await asyncio.gather(*self._looks, return_exceptions=True)
            await self._scraper.close()

    async def _wait(self, stop: asyncio.Event) -> None:
        delay_s = 1.0
        if self._due:
            delay_s = min(delay_s, max(0.0, self._due[0][0] - self._clock.now_s()))
        self._woken.clear()
        waiters = [asyncio.create_task(stop.wait()), asyncio.create_task(self._woken.wait())]
        try:
            await asyncio.wait(waiters, timeout=delay_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for waiter in waiters:
                waiter.cancel()

    def _schedule(self, key: Key, at_s: float) -> None:
        self._scheduled.add(key)
        heapq.heappush(self._due, (at_s, key))
        self._woken.set()

    async def _look_and_schedule(self, key: Key) -> None:
        delay_s: float | None = self._interval_s
        try:
            delay_s = await self.look(key)
        finally:
            if delay_s is None:
                self._scheduled.discard(key)
                self._learners.pop(key, None)
                self._reported.pop(key, None)
                self._rollouts.pop(key, None)
                self._profiles.pop(key, None)
            elif delay_s == UNTIL_AN_EVENT_S:
                self._scheduled.discard(key)
            else:
                self._schedule(key, self._clock.now_s() + delay_s)

    async def look(self, key: Key) -> float | None:
        """Read the replicas of one resource once.

        Returns:
            Seconds until the next reconciliation (infinite: `watch` says when), or None when the
            resource is gone.
        """
        subject = self._subject(key)
        if subject is None:
            return None
        replicas = of_one_lock(replicas_of(subject.resource["metadata"]["uid"], subject.objects))
        if not replicas:
            return UNTIL_AN_EVENT_S
        try:
            spec = Spec.model_validate(subject.resource.get("spec") or {})
        except ValidationError:
            return self._interval_s
        profile = self._profile(key, spec, subject.objects)
        lock, shape = replicas[0].lock, common_shape(replicas)
        watch = self._rollouts.get(key)
        if watch is None or watch.lock != lock:
            kept = config_map(names.tuner(key[1]), subject.objects)
            watch = self._rollouts[key] = RolloutWatch.resumed(lock, kept)
        tiers = next(replica.tiers for replica in replicas if replica.shape == shape)
        tuner, engine = self._learners.get(key), driver(spec.engine.type)
        reported = () if tuner is None else tuner.replicas
        settings = replace(
            settings_of(
                spec,
                tiers,
                experts(lock, subject.objects),
                drafts_all(engine.live_mode(spec), reported),
            ),
            profile=profile,
        )
        fixed = fixed_tokens(spec, replicas)
        learns = settings if fixed is None else with_fixed_tokens(settings, fixed)
        if tuner is None or (tuner.lock, tuner.shape) != (lock, shape):
            tuner = self._begun(key, lock, shape, learns, subject)
            self._learners[key] = tuner
        samples, lost = await self._read(key[0], replicas, engine.metrics)
        tuner.take(
            replicas,
            samples,
            lost,
            learns,
            self._clock.now_s(),
            recorded=spec.tuning.mode is not TuningMode.FIXED,
        )
        watch.take(
            replicas,
            samples,
            tuner,
            replace(settings, tiers=None),
            self._clock.now_s(),
            may_stop=may_stop_drafting(spec),
            fixed=fixed,
        )
        self._tell(key, tuner)
        return tuner.due_in_s(self._clock.now_s(), QUICK_S)

    def _begun(
        self, key: Key, lock: str, shape: str, settings: Settings, subject: Subject
    ) -> Tuner:
        former = self._learners.get(key)
        own = config_map(names.tuner(key[1]), subject.objects)
        remembered = state_cache.remembered(
            lock,
            shape,
            own,
            None if former is None else former.kept(),
            () if former is None else former.earlier,
            subject.tuners(),
        )
        now_s = self._clock.now_s()
        return Tuner.resumed(lock, shape, settings, self._interval_s, now_s, remembered)

    def _profile(
        self, key: Key, spec: Spec, objects: tuple[Object, ...]
    ) -> Mapping[str, Any] | None:
        """The start profile; a refused one is told once and not used."""
        stored = config_map(names.profile(key[1]), objects)
        if stored is None:
            self._profiles.pop(key, None)
            return None
        asked = (stored["metadata"].get("resourceVersion", ""), spec)
        known = self._profiles.get(key)
        if known is None or known[0] != asked:
            profile: Mapping[str, Any] | None = None
            try:
                profile = start_profile.read(stored, spec)
            except start_profile.ProfileRefusedError as problem:
                LOG.warning("%s/%s: the start profile is not used: %s", *key, problem)
            known = (asked, profile)
            self._profiles[key] = known
        return known[1]

    async def _read(
        self, namespace: str, replicas: tuple[Replica, ...], reader: MetricsReader
    ) -> tuple[dict[str, EngineSample], dict[str, Lost]]:
        outcomes: dict[str, EngineSample | Lost]
        if self._prometheus is not None:
            outcomes = dict(await self._prometheus.read(namespace, replicas, reader))
        else:
            readings = await asyncio.gather(*(self._one(replica, reader) for replica in replicas))
            outcomes = dict(zip((r.pod for r in replicas), readings, strict=True))
        samples = {pod: o for pod, o in outcomes.items() if isinstance(o, EngineSample)}
        lost = {pod: o for pod, o in outcomes.items() if not isinstance(o, EngineSample)}
        return samples, lost

    async def _one(self, replica: Replica, reader: MetricsReader) -> EngineSample | Lost:
        try:
            return await self._scraper.read(replica, reader, self._clock.now_s())
        except (UnreachableError, MalformedError) as error:
            return error

    def _tell(self, key: Key, tuner: Tuner) -> None:
        view = self._view(key, tuner)
        if view is None:
            return
        decision = view.decision
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
            None
            if view.rollout is None
            else (view.rollout.off_since, view.rollout.decay, view.rollout.stopped),
        )
        if self._reported.get(key) != now:
            self._reported[key] = now
            self._changed(key)
