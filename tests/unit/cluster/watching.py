"""A cluster of lists and streams that a test holds, and a watcher on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from tandem_operator.cluster.kinds import CHILDREN, RESOURCE, Kind
from tandem_operator.cluster.store import Key, Store
from tandem_operator.cluster.streams import StreamError, Streams
from tandem_operator.cluster.watches import Watches

Object = dict[str, Any]


class HandClock:
    def __init__(self) -> None:
        self.time_s = 1_000.0

    def now_s(self) -> float:
        return self.time_s


class Cluster:
    """Objects by kind and namespace, refusals, and open streams that tests feed or end."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], list[Object]] = {}
        self.refused: dict[tuple[Kind, str | None], StreamError] = {}
        self.open_streams: dict[tuple[Kind, str | None], asyncio.Queue[Any]] = {}
        self.lists: list[tuple[Kind, str | None]] = []
        self.unfollowed: dict[Kind, StreamError] = {}
        self.undefined: set[tuple[str, str, str] | None] = set()

    def has(self, kind: Kind, namespace: str, *raws: Object) -> None:
        self.objects[kind.kind, namespace] = list(raws)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Cluster]:
        yield self

    async def serves(self, definition: tuple[str, str, str]) -> bool:
        return definition not in self.undefined

    version = "100"

    async def pages(self, kind: Kind, namespace: str | None) -> AsyncIterator[list[Object]]:
        if (kind, namespace) in self.refused:
            raise self.refused[kind, namespace]
        self.lists.append((kind, namespace))
        yield [
            raw
            for (each, where), raws in self.objects.items()
            if each == kind.kind and namespace in (None, where)
            for raw in raws
        ]

    async def events(
        self, kind: Kind, namespace: str | None, version: str
    ) -> AsyncIterator[tuple[str, Object]]:
        if kind in self.unfollowed:
            raise self.unfollowed[kind]
        stream = self.open_streams[kind, namespace] = asyncio.Queue()
        while True:
            content = await stream.get()
            if isinstance(content, StreamError):
                raise content
            if content is None:
                return
            yield content

    def say(self, kind: Kind, namespace: str | None, content: Any) -> None:
        self.open_streams[kind, namespace].put_nowait(content)


class Scene:
    def __init__(self, *namespaces: str) -> None:
        self.cluster = Cluster()
        self.clock = HandClock()
        self.store = Store()
        self.keys: list[Key] = []
        """Of resources to reconcile, and in `together` those to reconcile not at once."""
        self.together: list[Key] = []
        self.watches = Watches(
            self.store,
            self.keys.append,
            self._seen_together,
            self.clock,
            namespaces,
            cast(Streams, self.cluster),
        )

    def _seen_together(self, key: Key) -> None:
        self.keys.append(key)
        self.together.append(key)

    @contextlib.asynccontextmanager
    async def runs(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watches.run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110 (the tasks of the scene bring it about)
                await asyncio.sleep(0.005)

    def watching(self, kind: Kind, namespace: str | None = None) -> bool:
        return (kind, namespace) in self.cluster.open_streams

    async def watches_all(self) -> None:
        """Until every kind is listed and followed: a watch that begins asks for what is known."""
        await self.until(lambda: all(self.watching(kind) for kind in (RESOURCE, *CHILDREN)))


def resource(version: int, namespace: str = "serving", uid: str = "r1") -> Object:
    metadata = {
        "name": "chat",
        "namespace": namespace,
        "uid": uid,
        "resourceVersion": str(version),
    }
    return {"kind": RESOURCE.kind, "metadata": metadata}


def pod(version: int, name: str = "p", namespace: str = "serving") -> Object:
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
            "labels": {"tandem.dev/deployment": "chat"},
        },
    }
