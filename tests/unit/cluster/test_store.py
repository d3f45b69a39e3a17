"""What a reconciliation reads is what the API server said last, in whatever order it is heard."""

from __future__ import annotations

import tracemalloc
from itertools import permutations
from typing import Any

import pytest

from tandem_operator.cluster.store import Store

Object = dict[str, Any]
KEY = ("serving", "chat")


def resource(version: int, uid: str = "r1") -> Object:
    metadata = {"name": "chat", "namespace": "serving", "uid": uid, "resourceVersion": str(version)}
    return {"kind": "SpeculativeDeployment", "metadata": metadata}


def service(version: int, uid: str = "s1", **metadata: Any) -> Object:
    return {
        "kind": "Service",
        "metadata": {
            "name": "chat",
            "namespace": "serving",
            "uid": uid,
            "resourceVersion": str(version),
            "labels": {"tandem.dev/deployment": "chat"},
            **metadata,
        },
    }


@pytest.fixture
def store() -> Store:
    return Store()


def versions(store: Store) -> list[str]:
    return [raw["metadata"]["resourceVersion"] for raw in store.objects(KEY)]


@pytest.mark.parametrize("order", list(permutations((9, 10, 100))))
def test_the_newest_version_stands_in_any_order(store: Store, order: tuple[int, ...]) -> None:
    """Versions are numbers, not texts: 100 is newer than 9."""
    for version in order:
        store.put(service(version))
        store.put_resource(resource(version))

    stored = store.resource(KEY)
    assert versions(store) == ["100"]
    assert stored is not None
    assert stored["metadata"]["resourceVersion"] == "100"


def test_a_new_object_of_the_name_replaces_the_old_one(store: Store) -> None:
    store.put(service(50, uid="old"))
    store.put(service(60, uid="new"))

    assert [raw["metadata"]["uid"] for raw in store.objects(KEY)] == ["new"]


def test_the_end_of_an_old_object_does_not_take_the_new_one(store: Store) -> None:
    store.put(service(60, uid="new"))
    store.drop(service(55, uid="old"))
    store.put_resource(resource(60, uid="new"))
    store.drop_resource(resource(55, uid="old"))

    assert versions(store) == ["60"]
    assert store.known() == (KEY,)


def test_objects_outlive_their_resource_until_their_own_end(store: Store) -> None:
    """They may be kept on purpose, and a resource of the same name shall find them."""
    store.put_resource(resource(1))
    store.put(service(2))
    store.drop_resource(resource(3))
    assert store.known() == ()
    assert versions(store) == ["2"]

    store.drop(service(4))
    assert store.objects(KEY) == ()


def test_an_object_that_no_watch_brings_goes_with_its_resource(store: Store) -> None:
    store.put_resource(resource(1))
    store.put(service(2, labels={}), KEY)
    store.drop_resource(resource(3))

    assert store.objects(KEY) == ()


def test_only_the_very_version_of_an_object_is_held(store: Store) -> None:
    store.put(service(5))
    store.put_resource(resource(5))

    for is_stored, version, uid in ((True, 5, None), (False, 6, None), (False, 5, "other")):
        assert store.holds(service(version, uid=uid or "s1")) is is_stored
        assert store.holds(resource(version, uid=uid or "r1")) is is_stored
    assert not store.holds(service(5, labels={}))


def test_what_is_watched_is_told_by_namespace(store: Store) -> None:
    store.put(service(1))
    store.put(service(2, uid="s2", namespace="other"))

    assert len(tuple(store.watched("Service"))) == 2
    (copy,) = store.watched("Service", "other")
    assert copy["metadata"]["uid"] == "s2"


def test_what_is_read_is_the_readers_own(store: Store) -> None:
    """Nobody can change what another reader sees."""
    store.put(service(1))
    (copy,) = store.objects(KEY)
    copy["metadata"]["resourceVersion"] = "2"

    assert versions(store) == ["1"]


def test_the_objects_of_a_thousand_resources_take_little_memory(store: Store) -> None:
    """Parsed they would take more than ten times as much."""
    ports = [{"name": f"port-{number}", "port": number} for number in range(100)]
    tracemalloc.start()
    for number in range(1000):
        name = f"chat-{number}"
        store.put({**service(1, name=name, uid=name), "spec": {"ports": ports}})
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 3 * 2**20


def test_the_label_says_whose_an_object_is(store: Store) -> None:
    assert store.put(service(1)) == KEY
    assert store.put(service(2, name="other", labels={})) is None
    assert versions(store) == ["1"]


def test_an_object_without_our_label_is_held_where_it_was_looked_up(store: Store) -> None:
    assert store.put(service(1, labels={}), KEY) == KEY
    assert versions(store) == ["1"]
    store.forget(KEY, "Service", "chat")
    assert store.objects(KEY) == ()


def test_resources_of_one_name_in_two_namespaces_are_two(store: Store) -> None:
    store.put(service(1))
    store.put(service(2, namespace="elsewhere"))

    assert versions(store) == ["1"]
    assert len(store.objects(("elsewhere", "chat"))) == 1


def test_objects_come_in_one_order(store: Store) -> None:
    for name in ("b", "c", "a"):
        store.put(service(1, name=name))

    assert [raw["metadata"]["name"] for raw in store.objects(KEY)] == ["a", "b", "c"]


def test_a_child_is_held_without_its_managed_fields(store: Store) -> None:
    store.put(service(1, managedFields=[{"manager": "kubectl"}]))

    assert "managedFields" not in store.objects(KEY)[0]["metadata"]


def test_an_answer_that_comes_after_the_end_does_not_bring_an_object_back(store: Store) -> None:
    """The delete event overtook the answer to our own write: no event would ever end it."""
    store.put(service(1))
    store.drop(service(9))
    store.put(service(8))

    assert store.objects(KEY) == ()


def test_an_answer_that_comes_after_the_end_does_not_bring_a_resource_back(store: Store) -> None:
    store.put_resource(resource(1))
    store.drop_resource(resource(9))
    store.put_resource(resource(8))

    assert store.known() == ()


def test_a_list_of_a_cluster_that_was_restored_is_taken(store: Store) -> None:
    """Its objects are older than what was seen before the backup was put back, or not yet gone."""
    store.put(service(50))
    store.put_resource(resource(50))
    store.put(service(40), listed=60)
    store.put_resource(resource(40), listed=60)
    assert versions(store) == ["40"]
    assert store.holds(resource(40))

    store.drop(service(55))
    store.put(service(40), listed=60)
    assert versions(store) == ["40"]


def test_what_came_after_a_list_was_made_stays(store: Store) -> None:
    """The answer to a write came while the pages of the list were on their way."""
    store.put(service(50))
    store.put(service(40), listed=45)
    store.put_resource(resource(1))
    store.drop_resource(resource(50))
    store.put_resource(resource(40), listed=45)

    assert versions(store) == ["50"]
    assert store.known() == ()


def test_an_object_that_left_the_watch_and_lives_can_come_back(store: Store) -> None:
    """Without the label an object leaves the watch as if deleted; looked up, it is there."""
    store.put(service(1))
    store.drop(service(9))
    store.put(service(9, labels={}), KEY)

    assert versions(store) == ["9"]


def job(version: int, name: str = "chat-lock", namespace: str = "serving") -> Object:
    return {
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{namespace}-{name}",
            "resourceVersion": str(version),
            "labels": {"tandem.dev/deployment": "chat", "tandem.dev/pair": "p"},
        },
    }


def alike(store: Store, namespace: str = "serving") -> list[tuple[str, str]]:
    members = store.pairs(namespace).get("p", {}).values()
    return [
        (each["metadata"]["namespace"], each["metadata"]["resourceVersion"]) for each in members
    ]


def test_objects_of_a_pair_are_found_by_its_label_in_their_namespace_alone(store: Store) -> None:
    store.put(job(1))
    store.put(job(2))
    store.put(job(3, namespace="other"))
    assert alike(store) == [("serving", "2")]
    assert alike(store, "other") == [("other", "3")]
    assert alike(store, "third") == []


def test_objects_of_a_pair_go_with_their_end_and_with_their_label(
    store: Store,
) -> None:
    store.put(job(1))
    store.drop(job(2))
    assert alike(store) == []

    store.put(job(3, "again"))
    store.forget(KEY, "Job", "again")
    assert alike(store) == []

    store.put(job(7, "bare"))
    bare = job(8, "bare")
    del bare["metadata"]["labels"]["tandem.dev/pair"]
    store.put(bare)
    assert alike(store) == []


def monitor(version: int, name: str = "chat", **metadata: Any) -> Object:
    body = service(version, uid=f"uid-{name}", **metadata)
    body["metadata"]["name"] = name
    return {**body, "kind": "PodMonitor"}


def test_a_listing_of_a_kind_that_nobody_watches_tells_what_it_changed(store: Store) -> None:
    other = {"tandem.dev/deployment": "other"}
    assert store.replace("PodMonitor", [monitor(1), monitor(2, "o", labels=other)]) == {
        KEY,
        ("serving", "other"),
    }
    assert store.replace("PodMonitor", [monitor(1), monitor(3, "o", labels=other)]) == {
        ("serving", "other")
    }

    assert store.replace("PodMonitor", [monitor(1)]) == {("serving", "other")}
    assert store.objects(("serving", "other")) == ()
    assert versions(store) == ["1"]


def test_a_listing_leaves_other_kinds_and_what_is_not_ours(store: Store) -> None:
    store.put(service(1))

    assert store.replace("PodMonitor", [monitor(2, labels={})]) == set()
    assert versions(store) == ["1"]
