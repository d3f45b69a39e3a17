"""An API server in memory, with watches. The controllers beside it stand in `controllers`.

What is modelled is what the operator meets: UIDs, versions, generations, preconditions, garbage
collection, namespaces and definitions that go, webhooks that are down, streams that are cut. It is
no proof of what a real API server does; that is for the tests in `tests/cluster`.
"""

from __future__ import annotations

import asyncio
import bisect
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from tandem_operator.cluster.kinds import RESOURCE, Kind
from tandem_operator.cluster.streams import StreamError
from tandem_operator.reconcile.requests.errors import AbsentError, LeavingError, RetryError
from tests.unit.histories.virtual_time import VirtualClock
from tests.unit.planning.builders import copied

Object = dict[str, Any]
Place = tuple[str, str, str]
"""Kind, namespace and name."""

LABEL = "tandem.dev/deployment"
NEVER_WATCHED = frozenset({"Event"})


class Cluster:
    """Objects and their history. Each call takes some milliseconds, by `chance`."""

    def __init__(self, chance: random.Random) -> None:
        self.clock = VirtualClock()
        self.chance = chance
        self.objects: dict[Place, Object] = {}
        self.namespaces: dict[str, bool] = {}
        """Whether each is being deleted."""
        self.defined = True
        self.webhook_down: set[tuple[str, str]] = set()
        """Namespace and kind whose writes fail."""
        self.writes = 0
        self._log: list[tuple[int, str, Object]] = []
        self.serial = 100
        self._cuts = 0
        self._news = asyncio.Event()

    # What everybody does.

    def now(self) -> str:
        return datetime.fromtimestamp(self.clock.now_s(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def put(self, body: Object) -> Object:
        """An object as it is from now on, by whoever's hand."""
        metadata = body["metadata"]
        place = (body["kind"], metadata["namespace"], metadata["name"])
        before = self.objects.get(place)
        self.serial += 1
        metadata.setdefault("uid", f"uid-{self.serial}")
        metadata.setdefault("creationTimestamp", self.now())
        generation = 1
        if before is not None:
            changed = before.get("spec") != body.get("spec")
            generation = before["metadata"]["generation"] + int(changed)
        metadata["generation"] = generation
        metadata["resourceVersion"] = str(self.serial)
        self.objects[place] = copied(body)
        self._say("ADDED" if before is None else "MODIFIED", body)
        return copied(body)

    def remove(self, place: Place) -> None:
        gone = self.objects.pop(place)
        self.serial += 1
        gone["metadata"]["resourceVersion"] = str(self.serial)
        self._say("DELETED", gone)

    def all_of(self, kind: str, namespace: str | None = None) -> list[Object]:
        return [
            raw
            for (each, where, _), raw in self.objects.items()
            if each == kind and namespace in (None, where)
        ]

    def cut_streams(self) -> None:
        """Every open stream ends, as a load balancer or a restart does."""
        self._cuts += 1
        self._news.set()

    def forget_history(self) -> None:
        """A watch that goes on from before is answered with 410."""
        self._log.clear()
        self._oldest = self.serial
        self.cut_streams()

    _oldest = 0

    def _say(self, event: str, body: Object) -> None:
        if body["kind"] not in NEVER_WATCHED:
            self._log.append((self.serial, event, copied(body)))
            self._news.set()

    # Streams, as `observe.streams` opens them.

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[_Stream]:
        yield _Stream(self)

    # Calls of `reconcile.client.Client`.

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        await self._take_time()
        return copied(self.objects.get((kind.kind, namespace, name)))

    async def served(self, kind: Kind) -> bool:
        return False

    async def apply(self, body: Object, *, force: bool) -> Object:
        await self._take_time()
        self._admit(body)
        before = self._precondition(body)
        after = copied(body)
        if before is not None:
            kept = {k: v for k, v in before["metadata"].items() if k not in after["metadata"]}
            after["metadata"] |= kept
            if "status" in before:
                after["status"] = copied(before["status"])
        return self._written(before, after)

    async def apply_status(self, body: Object) -> Object:
        await self._take_time()
        if not self.defined:
            raise AbsentError("the server could not find the requested resource", 404)
        before = self._precondition(body)
        if before is None:
            raise RetryError("uid mismatch: it is gone", 409)
        after = copied(before)
        after["status"] = copied(body["status"])
        after["metadata"]["managedFields"] = [
            {"manager": "tandem", "subresource": "status", "time": self.now()}
        ]
        return self._written(before, after)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        await self._take_time()
        existing = self.objects.get((kind.kind, namespace, name))
        if existing is None:
            return
        if existing["metadata"]["uid"] != uid:
            raise RetryError("uid is another", 409)
        self.writes += 1
        self.remove((kind.kind, namespace, name))

    async def annotate_pod(
        self, namespace: str, name: str, uid: str, annotations: Mapping[str, str]
    ) -> Object | None:
        await self._take_time()
        existing = self.objects.get(("Pod", namespace, name))
        if existing is None or existing["metadata"]["uid"] != uid:
            return None
        after = copied(existing)
        after["metadata"]["annotations"] = {
            **after["metadata"].get("annotations", {}),
            **annotations,
        }
        return self._written(existing, after)

    async def create_event(self, namespace: str, body: Object) -> None:
        await self._take_time()
        self._admit(body)
        self.writes += 1
        self.put(copied(body))

    async def patch_event(self, namespace: str, name: str, change: Object) -> None:
        await self._take_time()
        self.writes += 1

    def _admit(self, body: Object) -> None:
        namespace, kind = body["metadata"]["namespace"], body["kind"]
        place = (kind, namespace, body["metadata"]["name"])
        if namespace not in self.namespaces:
            raise AbsentError(f'namespaces "{namespace}" not found', 404)
        if (namespace, kind) in self.webhook_down:
            raise RetryError('Internal error occurred: failed calling webhook "w.example"', 500)
        if self.namespaces[namespace] and place not in self.objects:
            raise LeavingError(f"namespace {namespace} is being terminated")

    def _precondition(self, body: Object) -> Object | None:
        metadata = body["metadata"]
        before = self.objects.get((body["kind"], metadata["namespace"], metadata["name"]))
        for field in ("uid", "resourceVersion"):
            wanted = metadata.get(field)
            if wanted is not None and (before is None or before["metadata"][field] != wanted):
                raise RetryError(f"{field} is another", 409)
        return before

    def _written(self, before: Object | None, after: Object) -> Object:
        self.writes += 1
        if before is not None and _content(before) == _content(after):
            return copied(before)
        return self.put(after)

    async def _take_time(self) -> None:
        await asyncio.sleep(self.chance.uniform(0.002, 0.03))


class _Stream:
    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.version = ""

    async def serves(self, definition: tuple[str, str, str]) -> bool:
        """No optional kind is installed here."""
        await self._cluster._take_time()
        return False

    async def pages(self, kind: Kind, namespace: str | None) -> AsyncIterator[list[Object]]:
        await self._cluster._take_time()
        self._defined(kind)
        self.version = str(self._cluster.serial)
        listed = [copied(each) for each in self._cluster.all_of(kind.kind, namespace)]
        await self._cluster._take_time()
        yield [each for each in listed if _wanted(each)]

    async def events(
        self, kind: Kind, namespace: str | None, version: str
    ) -> AsyncIterator[tuple[str, Object]]:
        cluster, at, cuts = self._cluster, int(version), self._cluster._cuts
        await cluster._take_time()
        self._defined(kind)
        if at < cluster._oldest:
            raise StreamError(410, "too old resource version")
        while cuts == cluster._cuts:
            self._defined(kind)
            start = bisect.bisect_right(cluster._log, at, key=lambda entry: entry[0])
            for serial, event, body in cluster._log[start:]:
                at = serial
                elsewhere = namespace not in (None, body["metadata"]["namespace"])
                if body["kind"] != kind.kind or elsewhere or not _wanted(body):
                    continue
                await cluster._take_time()
                if cuts != cluster._cuts:
                    return
                yield event, copied(body)
            await cluster._news.wait()
            await asyncio.sleep(0.001)
            cluster._news.clear()

    def _defined(self, kind: Kind) -> None:
        if kind == RESOURCE and not self._cluster.defined:
            raise StreamError(404, "404 page not found")


def _wanted(raw: Object) -> bool:
    return raw["kind"] == RESOURCE.kind or LABEL in (raw["metadata"].get("labels") or {})


def _content(body: Object) -> Object:
    given = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
    metadata = {key: value for key, value in body["metadata"].items() if key not in given}
    return {**body, "metadata": metadata}
