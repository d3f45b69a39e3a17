"""Keys that want a look: each at most once in line and once at work, with backoff for failures."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from tandem_operator.observe.clock import Clock
from tandem_operator.observe.store import Key

FIRST_BACKOFF_S = 0.25
LONGEST_BACKOFF_S = 60.0


class Queue:
    """An asyncio queue of keys.

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
        self._changed = asyncio.Condition()

    def __len__(self) -> int:
        return len(self._ready) + len(self._working)

    async def add(self, key: Key) -> None:
        """A look as soon as a worker is free."""
        async with self._changed:
            self._put(key)
            self._changed.notify()

    async def add_after(self, key: Key, delay_s: float) -> None:
        """A look in `delay_s` seconds, or sooner where one is wanted sooner."""
        async with self._changed:
            at_s = self._clock.now_s() + delay_s
            if key not in self._due or at_s < self._due[key]:
                self._due[key] = at_s
                heapq.heappush(self._later, (at_s, key))
            self._changed.notify()

    async def take(self) -> Key:
        """The next key; it is at work until `done` or `failed`."""
        async with self._changed:
            while True:
                self._mature()
                if self._ready:
                    key = self._ready.pop(0)
                    self._working.add(key)
                    return key
                await self._wait()

    async def done(self, key: Key) -> None:
        """The look is over, and its failures are forgotten."""
        self._failures.pop(key, None)
        await self._finished(key)

    async def failed(self, key: Key) -> float:
        """The look failed; it comes again after a delay, which is returned in seconds."""
        count = self._failures.get(key, 0)
        self._failures[key] = count + 1
        delay_s: float = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2**count) * self._spread()
        await self._finished(key)
        await self.add_after(key, delay_s)
        return delay_s

    async def _finished(self, key: Key) -> None:
        async with self._changed:
            self._working.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._put(key)
            self._changed.notify()

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
        delay_s = max(0.0, self._later[0][0] - self._clock.now_s()) if self._later else None
        try:
            await asyncio.wait_for(self._changed.wait(), delay_s)
        except TimeoutError:
            return
