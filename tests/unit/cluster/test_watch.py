"""A watch sees again after whatever ended it, and what it missed meanwhile is made up for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from tandem_operator.cluster import watch
from tandem_operator.cluster.kinds import CHILDREN, RESOURCE, Kind
from tandem_operator.cluster.store import Key, Store, key_of
from tandem_operator.cluster.streams import StreamError, Streams
from tandem_operator.cluster.watches import STALE_S, STUCK_S, Watches

Object = dict[str, Any]
PODS = next(kind for kind in CHILDREN if kind.kind == "Pod")


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
        self.watches = Watches(
            self.store,
            self.keys.append,
            self.keys.append,
            self.clock,
            namespaces,
            cast(Streams, self.cluster),
        )

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


KEY = ("serving", "chat")


@pytest.fixture
def scene() -> Scene:
    return Scene()


def pods_of(scene: Scene, key: Key = KEY) -> list[str]:
    return [raw["metadata"]["name"] for raw in scene.store.objects(key)]


async def test_nothing_is_synced_before_every_kind_is_listed(scene: Scene) -> None:
    scene.cluster.refused[PODS, None] = StreamError(500, "later")
    async with scene.runs():
        await scene.until(lambda: scene.watching(RESOURCE))
        assert not scene.watches.synced.is_set()
        assert "500: later" in str(scene.watches.unready())
        assert "pods in all namespaces" in str(scene.watches.blind("serving"))

        scene.cluster.refused.clear()
        await scene.until(scene.watches.synced.is_set)
        assert scene.watches.unready() is None
        assert scene.watches.blind("serving") is None


async def test_an_operator_without_its_definition_is_not_ready_and_sees_it_come(
    scene: Scene,
) -> None:
    scene.cluster.refused[RESOURCE, None] = StreamError(404, "page not found")
    async with scene.runs():
        await scene.until(lambda: all(w.listed or w.refused for w in scene.watches.all))
        assert not scene.watches.synced.is_set()
        assert scene.watches.stuck() is None, "a new process would not find it either"

        scene.cluster.has(RESOURCE, "serving", resource(1))
        scene.cluster.refused.clear()
        await scene.until(scene.watches.synced.is_set)
        assert scene.store.known() == (KEY,)


async def test_events_change_the_store_and_ask_for_a_look(scene: Scene) -> None:
    scene.cluster.has(RESOURCE, "serving", resource(1))
    async with scene.runs():
        await scene.until(lambda: scene.watching(PODS))
        scene.keys.clear()
        scene.cluster.say(PODS, None, ("ADDED", pod(101)))
        await scene.until(lambda: pods_of(scene) == ["p"])
        scene.cluster.say(PODS, None, ("DELETED", pod(102)))
        await scene.until(lambda: pods_of(scene) == [])
        assert scene.keys == [KEY, KEY]


@pytest.mark.parametrize(
    "end",
    [StreamError(410, "too old"), StreamError(500, "internal"), StreamError(None, "cut")],
    ids=["history", "error", "connection"],
)
async def test_what_ended_unseen_is_forgotten_by_the_list_that_follows(
    scene: Scene, end: StreamError
) -> None:
    scene.cluster.has(PODS, "serving", pod(1, "goes"), pod(2, "stays"))
    async with scene.runs():
        await scene.until(lambda: scene.watching(PODS))
        scene.cluster.has(PODS, "serving", pod(2, "stays"), pod(103, "comes"))
        scene.keys.clear()
        scene.cluster.say(PODS, None, end)
        await scene.until(lambda: pods_of(scene) == ["comes", "stays"])
        await scene.until(lambda: scene.watches.unready() is None)
        assert scene.cluster.lists.count((PODS, None)) == 2
        assert scene.cluster.lists.count((RESOURCE, None)) == 1, "others go on"
        assert set(scene.keys) == {KEY}


async def test_a_list_of_nothing_new_asks_for_no_look(scene: Scene) -> None:
    scene.cluster.has(PODS, "serving", pod(1))
    async with scene.runs():
        await scene.until(lambda: scene.watching(PODS))
        scene.keys.clear()
        scene.cluster.say(PODS, None, StreamError(410, "too old"))
        await scene.until(lambda: scene.cluster.lists.count((PODS, None)) == 2)
        assert scene.keys == []


async def test_an_event_of_the_operators_own_write_asks_for_no_second_look(scene: Scene) -> None:
    async with scene.runs():
        await scene.until(lambda: scene.watching(PODS))
        scene.store.put(pod(101))
        scene.keys.clear()
        scene.cluster.say(PODS, None, ("MODIFIED", pod(101)))
        scene.cluster.say(PODS, None, ("MODIFIED", pod(102)))
        await scene.until(lambda: bool(scene.keys))
        assert scene.keys == [KEY]
        assert scene.store.objects(KEY)[0]["metadata"]["resourceVersion"] == "102"


async def test_a_stream_that_ends_in_peace_goes_on_where_it_was(scene: Scene) -> None:
    async with scene.runs():
        await scene.until(lambda: scene.watching(PODS))
        before = scene.cluster.open_streams[PODS, None]
        scene.cluster.say(PODS, None, ("BOOKMARK", pod(150)))
        scene.cluster.say(PODS, None, None)
        await scene.until(lambda: scene.cluster.open_streams[PODS, None] is not before)
        assert scene.cluster.lists.count((PODS, None)) == 1


async def test_a_refused_namespace_holds_no_other_up_and_is_blind() -> None:
    scene = Scene("one", "two")
    scene.cluster.has(RESOURCE, "one", resource(1, "one"))
    for kind in (RESOURCE, *CHILDREN):
        scene.cluster.refused[kind, "two"] = StreamError(403, "forbidden")
    async with scene.runs():
        await scene.until(scene.watches.synced.is_set)
        assert scene.watches.unready() is None
        assert scene.watches.blind("one") is None
        assert "403: forbidden" in str(scene.watches.blind("two"))

        scene.cluster.refused.clear()
        scene.cluster.has(RESOURCE, "two", resource(1, "two", "r2"))
        await scene.until(lambda: scene.watches.blind("two") is None)
        assert ("two", "chat") in scene.keys


async def test_no_namespace_at_all_is_not_ready() -> None:
    scene = Scene("one", "two")
    for namespace in ("one", "two"):
        scene.cluster.refused[PODS, namespace] = StreamError(403, "forbidden")
    async with scene.runs():
        await scene.until(lambda: all(w.listed or w.refused for w in scene.watches.all))
        assert not scene.watches.synced.is_set()
        assert "403" in str(scene.watches.unready())


async def test_resources_of_a_definition_that_is_gone_are_forgotten(scene: Scene) -> None:
    scene.cluster.has(RESOURCE, "serving", resource(1))
    async with scene.runs():
        await scene.until(scene.watches.synced.is_set)
        scene.cluster.refused[RESOURCE, None] = StreamError(404, "page not found")
        scene.cluster.say(RESOURCE, None, StreamError(404, "page not found"))
        await scene.until(lambda: scene.store.known() == ())
        assert "no namespace is watched" in str(scene.watches.unready())


async def test_a_silent_watch_is_first_not_ready_and_then_ends_the_process(scene: Scene) -> None:
    async with scene.runs():
        await scene.until(lambda: all(scene.watching(k) for k in (RESOURCE, *CHILDREN)))
        scene.clock.time_s += STALE_S + 1
        assert scene.watches.unready() is not None
        assert scene.watches.stuck() is None, "nobody hears: the API server is away"

        scene.clock.time_s += STUCK_S
        for kind in CHILDREN:
            scene.cluster.say(kind, None, ("BOOKMARK", pod(200)))
        await scene.until(lambda: min(w.age_s for w in scene.watches.all) == 0)
        assert "speculativedeployments" in str(scene.watches.stuck())


SETS = next(kind for kind in CHILDREN if kind.kind == "LeaderWorkerSet")
OPTIONAL = tuple(kind for kind in CHILDREN if kind.definition is not None)


def workers_of(name: str, version: int) -> Object:
    """A StatefulSet as the controller of the resource's set makes it."""
    labels = {"leaderworkerset.sigs.k8s.io/name": name}
    made = pod(version)
    made["metadata"] |= {"labels": labels, "uid": "s1", "name": name}
    return {**made, "kind": "StatefulSet"}


async def test_an_optional_kind_is_not_watched_where_its_definition_is_missing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for it, and it is found when it comes."""
    monkeypatch.setattr(watch, "LOOKED_FOR_S", 0.01)
    scene.cluster.undefined = {SETS.definition}
    scene.cluster.has(RESOURCE, "serving", resource(1))
    async with scene.runs():
        await scene.until(scene.watches.synced.is_set)
        assert scene.watches.unready() is None
        assert scene.watches.blind("serving") is None
        assert scene.watches.unserved("serving") == {
            kind.kind: "the cluster does not serve it" for kind in OPTIONAL
        }
        assert not any(kind in OPTIONAL for kind, _ in scene.cluster.lists)
        scene.clock.time_s += STALE_S + 1
        await scene.until(
            lambda: all(w.age_s == 0 for w in scene.watches.all if w.kind in OPTIONAL)
        )

        scene.keys.clear()
        scene.cluster.undefined = set()
        await scene.until(lambda: not scene.watches.unserved("serving"))
        assert ("serving", "chat") in scene.keys


async def test_what_stands_of_a_definition_that_goes_is_forgotten(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOKED_FOR_S", 0.01)
    (statefulsets,) = [kind for kind in OPTIONAL if kind.kind == "StatefulSet"]
    scene.cluster.has(statefulsets, "serving", workers_of("chat-group", 3))
    async with scene.runs():
        await scene.until(scene.watches.synced.is_set)
        assert scene.store.object(("serving", "chat"), "StatefulSet", "chat-group") is not None

        scene.cluster.undefined = {SETS.definition}
        for kind in OPTIONAL:
            scene.cluster.say(kind, None, StreamError(404, "page not found"))
        place = (("serving", "chat"), "StatefulSet", "chat-group")
        await scene.until(lambda: scene.store.object(*place) is None)
        assert len(scene.watches.unserved("serving")) == len(OPTIONAL)


async def test_an_optional_kind_that_is_refused_holds_nothing_else_up(scene: Scene) -> None:
    for kind in OPTIONAL:
        scene.cluster.refused[kind, None] = StreamError(403, "forbidden")
    async with scene.runs():
        await scene.until(scene.watches.synced.is_set)
        assert scene.watches.blind("serving") is None
        assert scene.watches.unready() is None
        assert "403: forbidden" in scene.watches.unserved("serving")["LeaderWorkerSet"]


def test_a_statefulset_is_known_by_the_name_of_its_set() -> None:
    assert key_of(workers_of("chat-group", 1)) == ("serving", "chat")
    assert key_of(workers_of("chat", 1)) is None, "somebody else's set"
