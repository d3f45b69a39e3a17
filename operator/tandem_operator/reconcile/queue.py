"""Keys to reconcile: each at most once in line and once at work, with backoff for failures.

Namespaces take turns, and one may have only so many at work: what is slow in one (an admission
webhook, a quota that conflicts) holds up nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import Counter
from collections.abc import Callable

from tandem_operator.clock import Clock
from tandem_operator.cluster.store import Key

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 30.0
TOGETHER_S = 0.1
"""A new Deployment becomes a ReplicaSet, a pod and three statuses within moments of each other."""
MOST_AT_WORK = 64
MOST_OF_A_NAMESPACE = 8


class Queue:
    """A queue of keys for one event loop.

    A key that is added while it is at work comes again afterwards, since what the reconciliation
    saw may be old. `spread` returns a factor of about 1, so that many failures do not come back as
    one.
    """

    def __init__(self, clock: Clock, spread: Callable[[], float]) -> None:
        self._clock = clock
        self._spread = spread
        self._ready: dict[str, dict[Key, None]] = {}
        """By namespace, in the order of their turns; within one, in the order of their coming."""
        self._later: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._working: set[Key] = set()
        self._at_work: Counter[str] = Counter()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return sum(map(len, self._ready.values())) + len(self._working)

    def add(self, key: Key) -> None:
        """A reconciliation as soon as its namespace may have one more at work."""
        self._put(key)
        self._changed.set()

    def add_together(self, key: Key) -> None:
        """A reconciliation that also answers what else happens to the key within `TOGETHER_S`."""
        if key not in self._ready.get(key[0], {}):
            self.add_after(key, TOGETHER_S)

    def add_after(self, key: Key, delay_s: float) -> None:
        """A reconciliation in `delay_s` seconds, or sooner where one is wanted sooner."""
        at_s = self._clock.now_s() + delay_s
        if key not in self._due or at_s < self._due[key]:
            self._due[key] = at_s
            heapq.heappush(self._later, (at_s, key))
            self._changed.set()

    async def take(self) -> Key:
        """The next key; it is at work until `done` or `failed`."""
        while True:
            self._mature()
            key = self._next()
            if key is not None:
                self._working.add(key)
                self._at_work[key[0]] += 1
                return key
            await self._wait()

    def _next(self) -> Key | None:
        if len(self._working) >= MOST_AT_WORK:
            return None
        for namespace, keys in self._ready.items():
            if self._at_work[namespace] >= MOST_OF_A_NAMESPACE:
                continue
            key = next(iter(keys))
            del self._ready[namespace], keys[key]
            if keys:
                self._ready[namespace] = keys  # at the end: the others' turn comes first
            return key
        return None

    def done(self, key: Key) -> None:
        """The reconciliation is over, and its failures are forgotten."""
        self._failures.pop(key, None)
        self._finished(key)

    def failed(self, key: Key) -> float:
        """The reconciliation failed; it comes again after a delay, which is returned in seconds."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        delay_s: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**count) * self._spread()
        self._finished(key)
        self.add_after(key, delay_s)
        return delay_s

    def _finished(self, key: Key) -> None:
        self._working.discard(key)
        self._at_work[key[0]] -= 1
        if not self._at_work[key[0]]:
            del self._at_work[key[0]]
        if key in self._again:
            self._again.discard(key)
            self._put(key)
        self._changed.set()

    def _put(self, key: Key) -> None:
        if key in self._working:
            self._again.add(key)
        else:
            self._ready.setdefault(key[0], {})[key] = None

    def _mature(self) -> None:
        now_s = self._clock.now_s()
        while self._later and self._later[0][0] <= now_s:
            at_s, key = heapq.heappop(self._later)
            if self._due.get(key) == at_s:
                del self._due[key]
                self._put(key)

    async def _wait(self) -> None:
        """Until something changes or the next delay is over."""
        delay_s = max(0.0, self._later[0][0] - self._clock.now_s()) if self._later else None
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._changed.wait()
