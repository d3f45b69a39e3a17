"""Resources that wait for another's lock Job: woken when it ends, never two Jobs at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tandem_operator.cluster.store import Key
from tandem_operator.planning.plan import Sharing


@dataclass
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted: int = 0


class LockWaiters:
    """Who waits for whom, and whose turn it is. Nothing is lost with it: `wake` is early word of
    what each follower's own reconciliation would find out later."""

    def __init__(self, wake: Callable[[Key], None]) -> None:
        self._wake = wake
        self._of: dict[Key, dict[Key, Sharing]] = {}
        self._turns: dict[tuple[str, str], _Turn] = {}

    def see(self, key: Key, sharing: Sharing | None) -> None:
        """A reconciliation of `key` ended so: it waits for another, or others for it."""
        if sharing is not None and sharing.by != key[1]:
            self._of.setdefault((key[0], sharing.by), {})[key] = sharing
        waiting = self._of.pop(key, {})
        kept = {each: pair for each, pair in waiting.items() if pair == sharing}
        if kept:
            self._of[key] = kept
        for each in waiting:
            if each not in kept:
                self._wake(each)

    @asynccontextmanager
    async def turn(self, namespace: str, sharing: Sharing) -> AsyncIterator[None]:
        """Hold while a Job of the pair is planned and written."""
        place = (namespace, sharing.pair)
        turn = self._turns.setdefault(place, _Turn())
        turn.wanted += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.wanted -= 1
            if turn.wanted == 0:
                del self._turns[place]
