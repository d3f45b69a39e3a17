"""Keys that want a look: each at most once in line and once at work, with backoff for failures."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections.abc import Callable

from tandem_operator.observe.clock import Clock
from tandem_operator.observe.store import Key

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 60.0


class Queue:
    """A queue of keys for the workers of one event loop.

    A key that is added while it is at work comes again afterwards, since what the look saw may be
    old. `spread` returns a factor of about 1, so that many failures do not come back as one.
    """

    def __init__(self, clock: Clock, spread: Callable[[], float]) -> None:
        self._clock = clock
        self._spread = spread
        self._ready: list[Key] = []
        self._later: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready) + len(self._working)

    def add(self, key: Key) -> None:
        """A look as soon as a worker is free."""
        self._put(key)
        self._changed.set()

    def add_after(self, key: Key, delay_s: float) -> None:
        """A look in `delay_s` seconds, or sooner where one is wanted sooner."""
        at_s = self._clock.now_s() + delay_s
        if key not in self._due or at_s < self._due[key]:
            self._due[key] = at_s
            heapq.heappush(self._later, (at_s, key))
            self._changed.set()

    async def take(self) -> Key:
        """The next key; it is at work until `done` or `failed`."""
        while True:
            self._mature()
            if self._ready:
                key = self._ready.pop(0)
                self._working.add(key)
                return key
            await self._wait()

    def done(self, key: Key) -> None:
        """The look is over, and its failures are forgotten."""
        self._failures.pop(key, None)
        self._finished(key)

    def failed(self, key: Key) -> float:
        """The look failed; it comes again after a delay, which is returned in seconds."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        delay_s: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**count) * self._spread()
        self._finished(key)
        self.add_after(key, delay_s)
        return delay_s

    def _finished(self, key: Key) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _put(self, key: Key) -> None:
        if key in self._working:
            self._again.add(key)
        elif key not in self._ready:
            self._ready.append(key)

    def _mature(self) -> None:
        now_s = self._clock.now_s()
        while self._later and self._later[0][0] <= now_s:
            at_s, key = heapq.heappop(self._later)
            if self._due.get(key) == at_s:
                del self._due[key]
                self._put(key)

    async def _wait(self) -> None:
        """Until something changes or the next delay is over; all workers look then."""
        delay_s = max(0.0, self._later[0][0] - self._clock.now_s()) if self._later else None
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._changed.wait()
