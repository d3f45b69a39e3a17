"""The one loop: when the replicas of each resource are read, so that its tuner learns.

It writes nothing: when there is something to tell, the resource's key goes on the queue, and the
next reconciliation takes the view from here.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from pydantic import ValidationError

from tandem_operator.api.spec import Spec
from tandem_operator.clock import Clock
from tandem_operator.control.pace import Pace
from tandem_operator.control.resource_tuning import Key, ResourceTuning, Subject
from tandem_operator.metrics.replicas import of_one_lock, replicas_of
from tandem_operator.metrics.scrape import Scraper
from tandem_operator.planning import TuningView

if TYPE_CHECKING:
    from tandem_operator.metrics.prometheus import PrometheusReader

QUICK_S = 2.0
UNTIL_AN_EVENT_S = math.inf
"""Without a ready pod there is nothing to read, and a pod that becomes ready is an event."""


class TuningLoop:
    """Tuners of all resources, each given a round when it is due.

    Args:
        subject: what the store holds of a key; None when the resource is gone.
        changed: called with a key whose view has something new to tell.
        interval_s: seconds between rounds when nothing changes.
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
        self._scraper = Scraper(clock.now_s)
        self._read = self._scraper.read if prometheus is None else prometheus.read
        self._resources: dict[Key, ResourceTuning] = {}
        self._due: list[tuple[float, Key]] = []
        self._new: deque[tuple[float, Key]] = deque()
        self._pace = Pace()
        self._scheduled: set[Key] = set()
        self._running: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()

    def watch(self, key: Key) -> None:
        """Begin with a resource, if it is not watched yet."""
        if key not in self._scheduled:
            self._schedule(key, self._clock.now_s())

    def view(self, key: Key) -> TuningView | None:
        """What the tuner of a resource holds; None before its first round."""
        resource = self._resources.get(key)
        return None if resource is None else resource.view()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. A resource that fails is logged and gets another round."""
        try:
            while not stop.is_set():
                self._begin(self._clock.now_s())
                await self._wait(stop)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
            await self._scraper.close()

    def _begin(self, now_s: float) -> None:
        """All rounds that are due; of those with new replicas one, if `Pace` lets it.

        How many pages a round reads is known when it has begun, and counted before the next.
        """
        while self._due and self._due[0][0] <= now_s:
            due_s, key = heapq.heappop(self._due)
            if self._is_new(key, now_s):
                self._new.append((due_s, key))
            else:
                self._start(key, due_s)
        if self._new and self._next_new_s() <= now_s:
            _, key = self._new.popleft()
            self._start(key, now_s)

    def _next_new_s(self) -> float:
        """None of the new waits longer than all others do."""
        return min(self._pace.next_s, self._new[0][0] + self._interval_s)

    def _is_new(self, key: Key, now_s: float) -> bool:
        resource = self._resources.get(key)
        return resource is None or resource.due_in_s(now_s, QUICK_S) < self._interval_s

    def _start(self, key: Key, due_s: float) -> None:
        task = asyncio.create_task(self._run_and_schedule(key, due_s))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _wait(self, stop: asyncio.Event) -> None:
        times_s = [self._due[0][0]] if self._due else []
        if self._new:
            times_s.append(self._next_new_s())
        delay_s = min(1.0, max(0.0, min(times_s, default=math.inf) - self._clock.now_s()))
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

    async def _run_and_schedule(self, key: Key, due_s: float) -> None:
        """One round; ``due_s``: when it was due, or when its turn came among the new ones."""
        delay_s: float | None = self._interval_s
        try:
            delay_s = await self.run_once(key)
        finally:
            if delay_s is None:
                self._scheduled.discard(key)
                self._resources.pop(key, None)
            elif delay_s == UNTIL_AN_EVENT_S:
                self._scheduled.discard(key)
            else:
                self._schedule(key, self._clock.now_s() + delay_s)

    async def run_once(self, key: Key) -> float | None:
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
        now_s = self._clock.now_s()
        if self._is_new(key, now_s):
            self._pace = self._pace.begun(now_s, len(replicas))
        resource = self._resources.setdefault(key, ResourceTuning(key, self._interval_s))
        if await resource.take(subject, spec, replicas, self._read, self._clock):
            self._changed(key)
        return resource.due_in_s(self._clock.now_s(), QUICK_S)
