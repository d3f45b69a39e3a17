"""A change of the pair is a candidate: it is locked and rolled out beside the pair that serves."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.api import names
from tests.unit.planning import builders, kstatus
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World


def test_a_lost_revision_is_locked_again_and_renders_the_same_pods() -> None:
    world = World().serve()
    world.pass_time(61)
    world.settle()
    template = world.only("Deployment")["spec"]["template"]
    del world.objects[next(place for place in world.objects if place[0] == "ControllerRevision")]

    world.settle()
    assert world.condition("Ready") == ("True", "Serving")
    world.lock_ends(builders.good())
    world.settle()

    assert world.only("Deployment")["spec"]["template"] == template
    assert world.condition("Reconciling") is None


def test_a_rejected_candidate_leaves_the_old_pair_whole() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]
    pair = world.resource["status"]["pair"]

    world.edit({"draft.uri": "hf://org/other-draft"})
    world.settle()
    assert world.condition("Ready") == ("True", "Serving")
    assert world.condition("Reconciling") == ("True", "Locking")
    assert len(world.all_of("Job")) == 1

    world.lock_ends(builders.wrong())
    world.settle()

    assert world.condition("Stalled") == ("True", "PairRejected")
    assert world.condition("Ready") == ("True", "Serving")
    assert world.resource["status"]["pair"] == pair
    assert world.resource["status"]["candidate"]["reason"] == "IdsDiffer"

    world.edit({"replicas": 4, "tuning.maxTokens": 0})
    del world.objects["Deployment", "chat"]
    world.settle()

    assert world.only("Deployment")["spec"]["replicas"] == 4
    assert world.only("Deployment")["spec"]["template"] == template
    assert world.table()["enabled"] is False


def test_going_back_to_an_earlier_pair_needs_no_lock() -> None:
    world = World().serve()
    first = world.only("Deployment")["spec"]["template"]
    world.edit({"engine.args": ["--max-model-len=4096"]})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.roll_out()
    world.settle()
    assert world.only("Deployment")["spec"]["template"] != first

    world.pass_time(120)
    world.edit({"engine.args": None})
    world.settle()
    world.roll_out()
    world.settle()

    assert world.only("Deployment")["spec"]["template"] == first
    assert not world.all_of("Job")
    assert world.condition("Reconciling") is None
    numbers = sorted(raw["revision"] for raw in world.all_of("ControllerRevision"))
    assert numbers == [2, 3]


def test_a_new_pair_is_one_rollout_and_the_old_serves_until_it_is_done() -> None:
    world = World().serve()
    old = world.resource["status"]["pair"]["inputHash"]

    world.edit({"draft.uri": "hf://org/other-draft"})
    world.settle()
    world.lock_ends(builders.good(draft=builders.side("hf://org/other-draft")))
    world.settle()

    status = world.resource["status"]
    assert status["pair"]["inputHash"] == old
    assert status["candidate"]["reason"] == "RollingOut"
    assert len([each for each in world.names() if "speculation" in each]) == 2

    world.roll_out()
    world.settle()

    status = world.resource["status"]
    assert status["pair"]["draft"]["uri"] == "hf://org/other-draft"
    assert "candidate" not in status
    assert len([each for each in world.names() if "speculation" in each]) == 1


def test_a_locked_pair_is_not_done_before_its_pods_are_ready() -> None:
    """Each version that is written on the way is read as kstatus does, see `World.carry_out`."""
    world = World().serve()
    world.edit({"engine.image": "vllm/vllm-openai:v0.33.0"})
    world.settle()
    world.lock_ends(builders.good())
    seen = []
    while not (wanted := world.reconcile()).writes_nothing:
        seen.append(wanted.status is not None and world.condition("Reconciling"))

    assert seen[0] == ("True", "RollingOut"), "the revision is not stored yet"
    world.roll_out()
    world.settle()
    assert kstatus.current(world.resource)


def with_a_field_of_another_release(world: World) -> Object:
    """The revision was made by a release that knew `engine.gear`; the definition dropped it."""
    revision = world.only("ControllerRevision")
    del world.objects["ControllerRevision", revision["metadata"]["name"]]
    revision["data"]["spec"]["engine"]["gear"] = "low"
    digest = revision["data"]["inputHash"] = names.digest(revision["data"]["spec"])
    revision["metadata"]["name"] = f"chat-{digest}"
    world.objects["ControllerRevision", revision["metadata"]["name"]] = revision
    world.resource["status"]["pair"]["inputHash"] = digest
    return revision


def test_a_field_that_is_gone_rolls_no_pod_and_is_told() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]
    with_a_field_of_another_release(world)
    world.settle()

    assert world.all_of("Job") == [] or all("status" in job for job in world.all_of("Job"))
    assert world.only("Deployment")["spec"]["template"] == template
    assert world.condition("Reconciling") is None
    assert "does not know spec.engine.gear" in world.message("Ready")


@pytest.mark.parametrize("change", [{"engine.image": "vllm/vllm-openai:v0.33.0"}, "refresh"])
def test_a_real_change_beside_a_field_that_is_gone_is_carried_out(change: Any) -> None:
    world = World().serve()
    with_a_field_of_another_release(world)
    if change == "refresh":
        world.resource["metadata"]["annotations"] = {"tandem.dev/refresh": "1"}
    else:
        world.edit(change)
    world.settle()

    assert world.condition("Reconciling") == ("True", "Locking")
