"""A watch sees again after whatever ended it, and what it missed meanwhile is made up for."""

from __future__ import annotations

import asyncio

import pytest

from tandem_operator.cluster.kinds import CHILDREN, RESOURCE
from tandem_operator.cluster.store import Key
from tandem_operator.cluster.streams import StreamError
from tandem_operator.cluster.watch import FIRST_BACKOFF_S, REFUSED_FOR_S
from tandem_operator.cluster.watches import STALE_S, STUCK_S
from tests.unit.cluster.watching import Scene, pod, resource

PODS = next(kind for kind in CHILDREN if kind.kind == "Pod")
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


async def test_events_change_the_store_and_ask_for_a_reconciliation(scene: Scene) -> None:
    scene.cluster.has(RESOURCE, "serving", resource(1))
    async with scene.runs():
        await scene.watches_all()
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
        await scene.watches_all()
        scene.cluster.has(PODS, "serving", pod(2, "stays"), pod(103, "comes"))
        scene.keys.clear()
        scene.cluster.say(PODS, None, end)
        await scene.until(lambda: pods_of(scene) == ["comes", "stays"])
        await scene.until(lambda: scene.watches.unready() is None)
        assert scene.cluster.lists.count((PODS, None)) == 2
        assert scene.cluster.lists.count((RESOURCE, None)) == 1, "others go on"
        assert set(scene.keys) == {KEY}


async def test_a_list_of_nothing_new_asks_for_no_reconciliation(scene: Scene) -> None:
    scene.cluster.has(PODS, "serving", pod(1))
    async with scene.runs():
        await scene.watches_all()
        scene.keys.clear()
        scene.cluster.say(PODS, None, StreamError(410, "too old"))
        await scene.until(lambda: scene.cluster.lists.count((PODS, None)) == 2)
        assert scene.keys == []


async def test_after_a_restore_from_a_backup_what_stands_is_seen(scene: Scene) -> None:
    """etcd was put back with a higher revision, as its tool can, and older objects in it."""
    scene.cluster.has(RESOURCE, "serving", resource(90))
    async with scene.runs():
        await scene.watches_all()
        scene.cluster.has(RESOURCE, "serving", resource(40))
        scene.keys.clear()
        scene.cluster.say(RESOURCE, None, StreamError(410, "compacted"))
        await scene.until(lambda: bool(scene.keys))
        assert scene.store.holds(resource(40))


async def test_an_event_of_the_operators_own_write_asks_for_no_second_reconciliation(
    scene: Scene,
) -> None:
    async with scene.runs():
        await scene.watches_all()
        scene.store.put(pod(101))
        scene.keys.clear()
        scene.cluster.say(PODS, None, ("MODIFIED", pod(101)))
        scene.cluster.say(PODS, None, ("MODIFIED", pod(102)))
        await scene.until(lambda: bool(scene.keys))
        assert scene.keys == [KEY]
        assert scene.store.objects(KEY)[0]["metadata"]["resourceVersion"] == "102"


async def test_the_event_of_a_status_that_was_just_written_asks_for_nothing(scene: Scene) -> None:
    async with scene.runs():
        await scene.watches_all()
        scene.store.put_resource(resource(101))
        scene.cluster.say(RESOURCE, None, ("MODIFIED", resource(101)))
        scene.cluster.say(RESOURCE, None, ("MODIFIED", resource(102)))
        await scene.until(lambda: bool(scene.keys))
        assert scene.keys == [KEY]
        assert scene.together == [], "what somebody else wrote is seen at once"


async def test_the_event_of_a_status_that_is_being_written_waits_for_the_answer(
    scene: Scene,
) -> None:
    async with scene.runs():
        await scene.watches_all()
        scene.store.put_resource(resource(101))
        scene.store.own_writes.begin(KEY)
        scene.cluster.say(RESOURCE, None, ("MODIFIED", resource(102)))
        scene.cluster.say(RESOURCE, None, ("MODIFIED", resource(103, "other")))
        await scene.until(lambda: bool(scene.keys))
        assert scene.keys == [("other", "chat")]
        assert scene.store.holds(resource(102))

        assert not scene.store.own_writes.end(KEY, 102), "it was the answer's own event"
        scene.cluster.say(RESOURCE, None, ("MODIFIED", resource(104)))
        await scene.until(lambda: scene.keys == [("other", "chat"), KEY])


async def test_a_resource_that_was_made_anew_is_told_even_during_a_write(scene: Scene) -> None:
    async with scene.runs():
        await scene.watches_all()
        scene.store.own_writes.begin(KEY)
        scene.cluster.say(RESOURCE, None, ("ADDED", resource(102)))
        await scene.until(lambda: scene.keys == [KEY])


async def test_a_stream_that_ends_in_peace_goes_on_where_it_was(scene: Scene) -> None:
    async with scene.runs():
        await scene.watches_all()
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


async def test_a_refusal_that_is_soon_over_makes_nothing_blind(scene: Scene) -> None:
    """An API server that starts refuses everything until it knows the roles."""
    scene.cluster.has(RESOURCE, "serving", resource(1))
    async with scene.runs():
        await scene.watches_all()
        scene.cluster.refused[PODS, None] = StreamError(403, "forbidden")
        scene.cluster.say(PODS, None, StreamError(403, "forbidden"))
        await scene.until(lambda: any(watch.refused for watch in scene.watches.all))
        assert scene.watches.blind("serving") is None
        assert scene.watches.unready() is None

        scene.clock.time_s += REFUSED_FOR_S
        scene.keys.clear()
        await scene.until(lambda: ("serving", "chat") in scene.keys)
        assert "403: forbidden" in str(scene.watches.blind("serving"))

        scene.cluster.refused.clear()
        await scene.until(lambda: scene.watches.blind("serving") is None)


@pytest.mark.parametrize("code", [410, 403, 500])
async def test_a_list_that_no_stream_can_follow_is_not_asked_for_without_a_pause(
    scene: Scene, code: int
) -> None:
    scene.cluster.unfollowed[PODS] = StreamError(code, "no watch")
    async with scene.runs():
        await scene.until(lambda: scene.cluster.lists.count((PODS, None)) == 3)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(FIRST_BACKOFF_S):
                await scene.until(lambda: scene.cluster.lists.count((PODS, None)) > 3)

        scene.cluster.unfollowed.clear()
        await scene.watches_all()


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
        await scene.watches_all()
        scene.clock.time_s += STALE_S + 1
        assert scene.watches.unready() is not None
        assert scene.watches.stuck() is None, "nobody hears: the API server is away"

        scene.clock.time_s += STUCK_S
        for kind in CHILDREN:
            scene.cluster.say(kind, None, ("BOOKMARK", pod(200)))
        await scene.until(lambda: min(w.age_s for w in scene.watches.all) == 0)
        assert "speculativedeployments" in str(scene.watches.stuck())
