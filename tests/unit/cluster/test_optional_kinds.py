"""Kinds of which the definition may be missing, refused or taken away."""

from __future__ import annotations

import pytest

from tandem_operator.cluster import watch
from tandem_operator.cluster.kinds import CHILDREN, RESOURCE
from tandem_operator.cluster.store import key_of
from tandem_operator.cluster.streams import StreamError
from tandem_operator.cluster.watches import STALE_S
from tests.unit.cluster.watching import Object, Scene, pod, resource


@pytest.fixture
def scene() -> Scene:
    return Scene()


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
    monkeypatch.setattr(watch, "KIND_ASKED_FOR_S", 0.01)
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
    monkeypatch.setattr(watch, "KIND_ASKED_FOR_S", 0.01)
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
