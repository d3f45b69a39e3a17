"""Children whose owner is gone: after a restore, a move, or a resource that was made again."""

from __future__ import annotations

import pytest

from tests.unit.planning import builders
from tests.unit.planning.world import World

CONTROLLED = ("ReplicaSet", "Pod")


def orphaned(world: World) -> World:
    """The resource went without its children, and is here again."""
    for (kind, _), raw in world.objects.items():
        if kind not in CONTROLLED:
            raw["metadata"].pop("ownerReferences", None)
    again = builders.resource()
    world.resource = {**again, "spec": world.resource["spec"]}
    world.resource["metadata"]["uid"] = "uid-of-the-new-chat"
    return world


@pytest.fixture
def serving() -> World:
    """A pair that serves, its lock Job long gone."""
    world = World(builders.resource(replicas=2)).serve()
    world.pass_time(60)
    world.settle()
    return world


def controllers(world: World) -> dict[str, set[str]]:
    return {
        kind: {
            each["uid"]
            for each in raw["metadata"].get("ownerReferences", [])
            if each.get("controller")
        }
        for (kind, _), raw in world.objects.items()
        if kind not in CONTROLLED
    }


def test_a_restored_pair_is_taken_up_with_its_pods_and_without_a_lock(serving: World) -> None:
    before = {name: raw["metadata"]["uid"] for (_, name), raw in serving.objects.items()}
    template = serving.only("Deployment")["spec"]["template"]

    orphaned(serving).settle()

    assert serving.condition("Ready") == ("True", "Serving")
    assert serving.condition("Stalled") is None and serving.condition("Reconciling") is None
    assert {name: raw["metadata"]["uid"] for (_, name), raw in serving.objects.items()} == before
    assert serving.only("Deployment")["spec"]["template"] == template
    assert set(map(tuple, controllers(serving).values())) == {("uid-of-the-new-chat",)}
    assert not serving.all_of("Job")


def test_earlier_revisions_are_taken_up_too(serving: World) -> None:
    serving.edit({"engine.args": ["--max-model-len=4096"]})
    serving.settle()
    serving.lock_ends(builders.good())
    serving.settle()
    serving.roll_out()
    serving.settle()

    orphaned(serving).settle()

    owners = [each["metadata"]["ownerReferences"] for each in serving.all_of("ControllerRevision")]
    assert [owner["uid"] for (owner,) in owners] == ["uid-of-the-new-chat"] * 2


def test_what_another_controls_is_not_taken_up(serving: World) -> None:
    orphaned(serving)
    serving.only("Deployment")["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "Rollout", "name": "x", "uid": "2", "controller": True}
    ]

    serving.settle()

    assert serving.condition("Stalled") == ("True", "NameConflict")
    assert controllers(serving)["Deployment"] == {"2"}


@pytest.mark.parametrize("label", ["tandem.dev/deployment", "app.kubernetes.io/managed-by"])
def test_what_lacks_one_of_our_labels_is_not_taken_up(serving: World, label: str) -> None:
    orphaned(serving)
    serving.only("Service")["metadata"]["labels"][label] = "another"

    serving.settle()

    assert serving.condition("Stalled") == ("True", "NameConflict")
    assert controllers(serving)["Service"] == set()


def test_pods_of_a_lock_that_no_revision_holds_are_not_taken_up(serving: World) -> None:
    orphaned(serving)
    deployment = serving.only("Deployment")
    deployment["spec"]["template"]["metadata"]["labels"]["tandem.dev/lock"] = "0" * 16

    serving.settle()

    assert serving.condition("Stalled") == ("True", "NameConflict")
    message = serving.message("Stalled")
    assert f"pods are of lock {'0' * 16}" in message
    assert "kubectl delete deployment chat -n serving" in message
    assert controllers(serving)["Deployment"] == set()


def test_pods_of_the_lock_are_taken_up_once_the_pair_is_locked_again(serving: World) -> None:
    orphaned(serving)
    for raw in serving.all_of("ControllerRevision"):
        del serving.objects["ControllerRevision", raw["metadata"]["name"]]
    pods = {pod["metadata"]["uid"] for pod in serving.engine_pods()}

    serving.settle()
    serving.lock_ends(builders.good())
    serving.settle()

    assert serving.condition("Ready") == ("True", "Serving")
    assert {pod["metadata"]["uid"] for pod in serving.engine_pods()} == pods


def test_a_paused_resource_takes_nothing_up_and_tells_what_serves(serving: World) -> None:
    orphaned(serving)
    serving.resource["spec"]["paused"] = True

    serving.settle()

    assert serving.condition("Ready") == ("True", "Serving")
    assert not any(controllers(serving).values())
