"""`offMode: Redeploy`: without the draft after ten minutes off, and when it is back at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.redeployed import (
    off,
    removed,
    report_metrics,
    served,
    speculates,
    template,
)


def test_ten_minutes_off_are_followed_by_pods_without_the_draft_under_the_same_lock() -> None:
    world = served()
    lock = world.lock_hash
    off(world, 599)
    assert speculates(template(world))

    off(world, 2)
    world.pass_time(600)
    report_metrics(world, off_since=world.now - timedelta(seconds=601), off_reason="NotProfitable")
    world.settle()

    assert not speculates(template(world))
    assert template(world)["metadata"]["labels"]["tandem.dev/lock"] == lock
    assert world.condition("SpeculationActive") == ("False", "RemovedByRollout")
    assert world.resource["status"]["speculation"]["state"] == "Removed"
    assert len(world.all_of("Job")) <= 1


def test_status_says_how_much_memory_is_freed_by_the_facts_of_the_lock() -> None:
    world = removed()

    assert "1.9 MiB more memory" in world.message("SpeculationActive")
    assert "4.0 KiB more for each token" in world.message("SpeculationActive")


@pytest.mark.parametrize(
    "changes",
    [
        {"tuning.offMode": "Idle"},
        {"tuning.mode": "Observe"},
        {"tuning.mode": "Fixed"},
    ],
)
def test_nothing_is_rolled_where_nobody_asked_for_it(changes: Object) -> None:
    world = served(changes)
    off(world, 100_000)

    assert speculates(template(world))


@pytest.mark.parametrize("reason", ["ImpossibleCounters", "Held", "Initial"])
def test_counters_that_cannot_be_believed_replace_no_pod(reason: str) -> None:
    world = served()
    off(world, 100_000, reason)

    assert speculates(template(world))


def test_lost_metrics_replace_no_pod() -> None:
    world = served()
    since = world.now
    world.pass_time(700)
    report_metrics(world, off_since=since, off_reason="NotProfitable")
    assert world.tuning is not None
    lost = replace(world.tuning.metrics, status="False", reason="Unreachable")
    world.tuning = replace(world.tuning, metrics=lost)
    world.settle()

    assert speculates(template(world))


def test_what_was_measured_of_another_lock_replaces_no_pod() -> None:
    world = served()
    since = world.now
    world.pass_time(700)
    report_metrics(world, off_since=since, off_reason="NotProfitable", batch=4.0)
    assert world.tuning is not None
    world.tuning = replace(world.tuning, lock_hash="another")
    world.settle()

    assert speculates(template(world))


def test_idle_asked_for_by_the_user_brings_the_draft_back_at_once() -> None:
    world = removed()
    world.edit({"tuning.offMode": "Idle"})
    world.settle()

    assert speculates(template(world))


def test_another_pair_begins_with_its_draft() -> None:
    world = removed()
    world.edit({"engine.image": "vllm/vllm-openai:v0.33.0"})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()

    assert speculates(template(world))


def test_a_pair_that_is_returned_to_begins_with_its_draft_too() -> None:
    world = removed()
    world.edit({"engine.image": "vllm/vllm-openai:v0.33.0"})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()
    world.edit({"engine.image": "vllm/vllm-openai:v0.32.0"})
    world.settle()

    assert speculates(template(world))


def test_a_stored_form_that_somebody_deletes_is_made_again_and_no_pod_is_replaced() -> None:
    world = removed()
    before = template(world)
    (lost,) = [
        each
        for each in world.all_of("ControllerRevision")
        if str(each["data"]["version"]).startswith("variant/")
    ]
    del world.objects["ControllerRevision", lost["metadata"]["name"]]
    world.reconcile()
    assert template(world) == before
    world.settle()

    assert template(world) == before
    assert lost["data"] in [each["data"] for each in world.all_of("ControllerRevision")]


def test_a_paused_resource_decides_nothing() -> None:
    world = served()
    world.edit({"paused": True})
    off(world, 100_000)

    assert speculates(template(world))
