"""The table: generation, epoch, who decides K, and who is told."""

from __future__ import annotations

import pytest

from tandem_operator.planning.children.pod_annotations import ANNOTATION_GENERATION
from tandem_operator.tuning import Decision
from tests.unit.planning import builders
from tests.unit.planning.world import World


def test_the_first_table_is_the_initial_tokens_and_gets_its_epoch_with_the_next() -> None:
    world = World().serve()
    assert world.table()["schedule"] == [[1, 256, 3]]
    assert "epoch" not in world.table()
    assert world.table()["generation"] == 1

    world.tuning = builders.tuning(world.lock_hash)
    world.settle()
    name = f"chat-speculation-{world.lock_hash[:8]}"
    assert world.table()["epoch"] == world.objects["ConfigMap", name]["metadata"]["uid"]
    assert world.table()["generation"] == 2


def test_a_first_table_gets_its_epoch_at_once_where_pods_hold_an_earlier_one() -> None:
    """Its ConfigMap was made again: without an epoch no reader would take it."""
    world = World().serve()
    replica = builders.replica("chat-1", world.lock_hash, 1, epoch="of-another")
    world.tuning = builders.tuning(
        world.lock_hash, decision=initial_decision(world), replicas=(replica,)
    )
    world.settle()

    name = f"chat-speculation-{world.lock_hash[:8]}"
    assert world.table()["epoch"] == world.objects["ConfigMap", name]["metadata"]["uid"]


def initial_decision(world: World) -> Decision:
    """A decision for just the table that stands."""
    schedule = tuple(tuple(span) for span in world.table()["schedule"])
    return builders.decision(schedule=schedule, explore=None)


def test_a_decision_raises_the_generation_once() -> None:
    world = World().serve()
    before = world.table()["generation"]

    world.tuning = builders.tuning(world.lock_hash)
    world.settle()

    assert world.table()["schedule"] == [[1, 8, 7], [9, 256, 0]]
    assert world.table()["generation"] == before + 1
    world.pass_time(600)
    world.settle()
    assert world.table()["generation"] == before + 1


@pytest.mark.parametrize("mode", ["Observe", "Fixed"])
def test_only_auto_applies_a_decision(mode: str) -> None:
    world = World(builders.resource({"tuning.mode": mode})).serve()

    world.tuning = builders.tuning(world.lock_hash)
    world.settle()

    assert world.table()["schedule"] == [[1, 256, 3]]
    reason = {"Observe": "Observing", "Fixed": "Fixed"}[mode]
    assert world.condition("SpeculationActive") == ("True", reason)


def test_a_decision_for_other_pods_is_not_applied() -> None:
    world = World().serve()

    world.tuning = builders.tuning("another-lock")
    world.settle()

    assert world.table()["schedule"] == [[1, 256, 3]]


def test_a_restarted_operator_keeps_what_was_decided() -> None:
    world = World().serve()
    world.tuning = builders.tuning(world.lock_hash)
    world.settle()
    before, writes = world.table(), dict(world.writes)

    world.tuning = None
    world.settle()

    assert world.table() == before
    assert dict(world.writes) == writes


def test_the_kill_switch_acts_without_the_tuner_and_without_a_rollout() -> None:
    world = World().serve()
    template = world.only("Deployment")["spec"]["template"]

    world.edit({"tuning.maxTokens": 0})
    world.settle()

    assert world.table()["enabled"] is False
    assert world.condition("SpeculationActive") == ("False", "KillSwitch")
    assert world.condition("Ready") == ("True", "Serving")
    assert world.only("Deployment")["spec"]["template"] == template

    world.edit({"tuning.maxTokens": None})
    world.settle()
    assert world.table()["enabled"] is True


def test_a_lower_band_caps_the_table_at_depths_that_the_engine_has() -> None:
    world = World().serve()
    world.tuning = builders.tuning(world.lock_hash)
    world.settle()

    world.edit({"tuning.maxTokens": 4})
    world.settle()

    assert world.table()["schedule"] == [[1, 8, 3], [9, 256, 0]]


def test_a_table_that_was_deleted_goes_on_above_what_pods_applied() -> None:
    world = World().serve()
    world.resource["status"]["speculation"]["generation"] = None
    name = f"chat-speculation-{world.lock_hash[:8]}"
    del world.objects["ConfigMap", name]
    world.tuning = builders.tuning(
        world.lock_hash, replicas=(builders.replica("pod", world.lock_hash, 41),)
    )

    world.settle()

    assert world.table()["generation"] == 42


def test_a_table_that_was_deleted_goes_on_above_what_status_says() -> None:
    world = World().serve()
    world.resource["status"]["speculation"]["generation"] = 6
    del world.objects["ConfigMap", f"chat-speculation-{world.lock_hash[:8]}"]

    world.settle()

    assert world.table()["generation"] == 7


def test_pods_are_told_once_and_only_of_a_table_that_stands() -> None:
    world = World(builders.resource(replicas=2)).serve()
    generation = world.table()["generation"]
    noted = [pod["metadata"].get("annotations", {}) for pod in world.engine_pods()]
    assert not any(ANNOTATION_GENERATION in annotations for annotations in noted)

    world.tuning = builders.tuning(world.lock_hash)
    plan = world.reconcile()
    assert not plan.pod_annotations
    plan = world.reconcile()
    assert {annotation.generation for annotation in plan.pod_annotations} == {generation + 1}
    assert len(plan.pod_annotations) == 2
    assert not world.reconcile().pod_annotations


def test_the_tuners_memory_is_written_when_it_is_due() -> None:
    world = World().serve()
    world.tuning = builders.tuning(
        world.lock_hash,
        shape="x",
        state_json='{"a":1}',
        earlier_json="[2]",
        records_json="[]",
        state_due=True,
    )

    world.settle()

    config_map = world.objects["ConfigMap", "chat-tuner"]
    assert config_map["data"] == {
        "lock": world.lock_hash,
        "shape": "x",
        "state.json": '{"a":1}',
        "earlier.json": "[2]",
        "records.json": "[]",
    }


def test_a_copy_that_somebody_made_of_a_table_is_theirs() -> None:
    world = World().serve()
    table = builders.copied(world.objects["ConfigMap", f"chat-speculation-{world.lock_hash[:8]}"])
    table["metadata"] = {
        "name": "chat-speculation-backup",
        "labels": table["metadata"]["labels"],
        "annotations": table["metadata"]["annotations"],
    }
    world.add(table)

    world.settle()

    assert ("ConfigMap", "chat-speculation-backup") in world.objects
