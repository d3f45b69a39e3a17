"""One watch: a kind in one namespace, listed and followed forever, alone with its failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from tandem_operator.clock import Clock
from tandem_operator.cluster.kinds import RESOURCE, Kind
from tandem_operator.cluster.packed import version_of
from tandem_operator.cluster.store import Key, Object, Store
from tandem_operator.cluster.streams import NOT_FOUND, Stream, StreamError, Streams

LOG = logging.getLogger(__name__)

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 10.0
QUICK_S = 1.0
"""A stream that ends sooner, and brought nothing, counts as a failure."""
GONE = 410
REFUSED_FOR_S = 15.0
"""A refusal that is over sooner is an API server that starts: it knows the roles last."""
KIND_ASKED_FOR_S = 15.0
"""How often it is asked whether the definition of an optional kind has come."""


class Heard(Protocol):
    """What is told: a resource is to be reconciled, at once or with what else is told in a moment;
    the watch began or ceased to see."""

    def seen(self, key: Key) -> None: ...

    def seen_together(self, key: Key) -> None: ...

    def changed(self, watch: Watch) -> None: ...


class Watch:
    """Fills the store. `words` says why it sees nothing, or None while it sees.

    A list replaces what was held of the kind in the namespace: what ended while no stream was open
    is forgotten then. `gate` bounds how many list at the same time. `absent` says that nothing of
    the kind can be there, for want of its definition.
    """

    def __init__(
        self,
        kind: Kind,
        namespace: str | None,
        *,
        streams: Streams,
        store: Store,
        heard: Heard,
        clock: Clock,
        spread: Callable[[], float],
        gate: asyncio.Semaphore,
    ) -> None:
        self.kind = kind
        self.namespace = namespace
        self._streams = streams
        self._store = store
        self._heard = heard
        self._clock = clock
        self._spread = spread
        self._gate = gate
        self._failures = 0
        """Since anything was heard: a list that no stream can follow is no success."""
        self._proof_s = clock.now_s()
        self.listed = False
        self.refused = False
        self.absent = False
        self.words: str | None = "it is not listed yet"
        self._refused_s = 0.0
        self._told_blind = True

    @property
    def age_s(self) -> float:
        """Seconds since the API server last proved that it is watched: list, event, bookmark."""
        return self._clock.now_s() - self._proof_s

    @property
    def blind(self) -> bool:
        """Whether what it knows is not to be relied on: it was never listed, or is refused for a
        while, or for good by a definition that is gone."""
        return not self.listed or (self.refused and self._patience_s() <= 0)

    def _patience_s(self) -> float:
        return self._refused_s + REFUSED_FOR_S - self._clock.now_s()

    def __str__(self) -> str:
        where = "all namespaces" if self.namespace is None else self.namespace
        return f"{self.kind.plural} in {where}"

    async def run(self) -> None:
        """Until cancelled; a failure is tried again, at the latest after about 12 s."""
        while True:
            try:
                async with self._streams.open() as stream:
                    if await self._is_defined(stream):
                        async with self._gate:
                            version = await self._list(stream)
                        self._lives()
                        await self._follow(stream, version)
                await asyncio.sleep(KIND_ASKED_FOR_S * self._spread())
            except StreamError as error:
                if error.code == GONE:
                    LOG.debug("%s: listed again: %s", self, error)
                    await asyncio.sleep(self._backoff_s() if self._failures else 0.0)
                    self._failures += 1
                    continue
                await self._fail(error)

    async def _is_defined(self, stream: Stream) -> bool:
        """Whether the API server serves what the kind needs; it is told once that it does not."""
        if self.kind.definition is None or await stream.serves(self.kind.definition):
            return True
        self._proof_s = self._clock.now_s()
        if not self.absent:
            for raw in self._store.watched(self.kind.kind, self.namespace):
                self._take("DELETED", raw)
            self._failures, self.listed, self.refused, self.words = 0, True, False, None
            self.absent, self._told_blind = True, False
            self._heard.changed(self)
        return False

    async def _list(self, stream: Stream) -> str:
        gone = set(self._store.watched_uids(self.kind.kind, self.namespace))
        async for page in stream.pages(self.kind, self.namespace):
            for raw in page:
                gone.discard(raw["metadata"]["uid"])
                self._take("LISTED", raw, int(stream.version))
            page.clear()  # all lists at once wait for their next page: none holds its last
            await asyncio.sleep(0)
        if gone:
            for raw in self._store.watched(self.kind.kind, self.namespace):
                if raw["metadata"]["uid"] in gone:
                    self._take("DELETED", raw)
        return stream.version

    async def _follow(self, stream: Stream, version: str) -> None:
        """Open streams from version to version, until one says that a list is due."""
        while True:
            began_s, heard = self._clock.now_s(), False
            async for kind, raw in stream.events(self.kind, self.namespace, version):
                heard, self._failures = True, 0
                version = raw["metadata"]["resourceVersion"]
                if kind != "BOOKMARK":
                    self._take(kind, raw)
                self._lives()
            if self._clock.now_s() - began_s >= QUICK_S:
                self._failures = 0
            elif not heard:
                await self._fail(StreamError(None, "the stream ends as soon as it is opened"))

    def _take(self, event: str, raw: Object, listed: int | None = None) -> None:
        mine = self.kind == RESOURCE
        if event != "DELETED" and self._store.holds(raw):
            return  # the answer to our own write told it
        if event == "DELETED":
            key = self._store.drop_resource(raw) if mine else self._store.drop(raw)
        else:
            put = self._store.put_resource if mine else self._store.put
            key = put(raw, listed=listed)
        if mine and event == "MODIFIED" and self._store.own_writes.hear(key, version_of(raw)):
            return
        if key is not None:
            (self._heard.seen if mine else self._heard.seen_together)(key)

    def _lives(self) -> None:
        self._proof_s = self._clock.now_s()
        if self.words is None and not self.absent:
            return
        if self._failures:
            LOG.info("%s: watched again", self)
        self.listed, self.refused, self.words = True, False, None
        self.absent = self._told_blind = False
        self._heard.changed(self)

    async def _fail(self, error: StreamError) -> None:
        """Say it once, and wait."""
        before = self.words
        self._failures += 1
        if error.code == NOT_FOUND:
            self._refused_s = float("-inf")
        elif error.refused and not self.refused:
            self._refused_s = self._clock.now_s()
        self.refused, self.words = error.refused, str(error)
        if error.code == NOT_FOUND and self._failures > 1:
            # Twice, since a starting API server may not know its definitions yet.
            for raw in self._store.watched(self.kind.kind, self.namespace):
                self._take("DELETED", raw)
        if self.words != before:
            LOG.warning("%s: not watched: %s", self, error)
        if self.blind != self._told_blind or (self.blind and self.words != before):
            self._told_blind = self.blind
            self._heard.changed(self)
        delay_s = self._backoff_s()
        if self.refused and not self.blind:
            delay_s = min(delay_s, self._patience_s())
        await asyncio.sleep(delay_s)

    def _backoff_s(self) -> float:
        doubled_s = FIRST_BACKOFF_S * 2.0 ** min(self._failures - 1, 10)
        return min(doubled_s, LONGEST_BACKOFF_S) * self._spread()
