"""`offMode: Redeploy`: without the draft after ten minutes off, back through one canary pod."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tandem_operator.planning.rollout.evidence import CanaryView, RolloutEvidence
from tandem_runtime.contract.report import LockFailure
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

REDEPLOY: Object = {"tuning.offMode": "Redeploy", "replicas": 2}
GOOD = CanaryView("canary", 120.0, 400.0, 0.8, 0.010, 0.020)


def served(changes: Object | None = None) -> World:
    return World(builders.resource({**REDEPLOY, **(changes or {})})).serve()


def told(world: World, **fields: Any) -> None:
    """What the loop measured, as of now."""
    view = builders.tuning(world.lock_hash, rollout=RolloutEvidence(**fields))
    world.tuning = view


def off(world: World, seconds: float, reason: str = "AcceptanceBelowThreshold") -> None:
    since = world.now
    world.pass_time(seconds)
    told(world, off_since=since, off_reason=reason, batch=4.0)
    world.settle()


def removed(changes: Object | None = None) -> World:
    world = served(changes)
    off(world, 601)
    world.roll_out()
    world.settle()
    return world


def worth(world: World, tokens: int = 3) -> None:
    """The load has been worth a draft for long enough."""
    told(world, batch=2.0, worth=tokens, worth_since=world.now - timedelta(seconds=301))
    world.settle()


def with_canary() -> World:
    world = removed()
    world.pass_time(1801)
    worth(world)
    return world


def template(world: World, name: str = builders.NAME) -> Object:
    found: Object = world.objects["Deployment", name]["spec"]["template"]
    return found


def speculates(found: Object) -> bool:
    (main,) = [c for c in found["spec"]["containers"] if c["name"] == "main"]
    return any("--speculative-config" in word for word in main["args"])


def canaries(world: World) -> list[Object]:
    return [held for held in world.all_of("Deployment") if "canary" in held["metadata"]["name"]]


def table(world: World) -> Object:
    (held,) = [each for each in world.all_of("ConfigMap") if "speculation.json" in each["data"]]
    read: Object = json.loads(held["data"]["speculation.json"])
    return read


def test_ten_minutes_off_are_followed_by_pods_without_the_draft_under_the_same_lock() -> None:
    world = served()
    lock = world.lock_hash
    off(world, 599)
    assert speculates(template(world))

    off(world, 2)
    world.pass_time(600)
    told(world, off_since=world.now - timedelta(seconds=601), off_reason="NotProfitable")
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
    told(world, off_since=since, off_reason="NotProfitable")
    assert world.tuning is not None
    lost = replace(world.tuning.metrics, status="False", reason="Unreachable")
    world.tuning = replace(world.tuning, metrics=lost)
    world.settle()

    assert speculates(template(world))


def test_it_tries_one_pod_beside_the_others_when_the_load_is_worth_a_draft_again() -> None:
    world = removed()
    worth(world)
    assert canaries(world) == [], "before the dwell is over"

    world.pass_time(1801)
    worth(world)

    (canary,) = canaries(world)
    assert canary["spec"]["replicas"] == 1
    assert speculates(canary["spec"]["template"])
    service = world.objects["Service", builders.NAME]["spec"]["selector"]
    assert service.items() <= canary["spec"]["template"]["metadata"]["labels"].items()
    assert world.objects["Deployment", builders.NAME]["spec"]["replicas"] == 2
    assert not speculates(template(world))
    assert table(world)["schedule"] == [[1, 256, 3]]
    assert table(world)["enabled"]


def test_the_others_follow_a_good_canary_once_it_is_gone() -> None:
    world = with_canary()
    told(world, batch=2.0, worth=3, canary=GOOD)
    world.look()
    world.look()
    assert canaries(world) == []
    world.settle()

    assert speculates(template(world))
    world.roll_out()
    world.settle()
    assert world.condition("SpeculationActive") == ("True", "Tuned")


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (replace(GOOD, acceptance_rate=0.44), "the minimum is 40 %"),
        (replace(GOOD, seconds_per_token=0.021), "ms a token"),
    ],
)
def test_a_poor_canary_goes_and_the_others_stay_as_they_are(seen: CanaryView, why: str) -> None:
    world = removed({"tuning.thresholds.minAcceptanceRatePercent": 40})
    world.pass_time(1801)
    worth(world)
    before = template(world)
    told(world, batch=2.0, worth=3, canary=seen)
    world.settle()

    assert canaries(world) == []
    assert template(world) == before
    assert why in world.message("SpeculationActive")
    worth(world)
    world.pass_time(1801)
    worth(world)
    assert canaries(world) == [], "the next try waits twice as long"


def test_a_canary_that_measures_nothing_goes_at_its_deadline() -> None:
    world = with_canary()
    world.pass_time(3600 + 1801)
    told(world, batch=2.0, worth=3, canary=replace(GOOD, drafts=10.0))
    world.settle()

    assert canaries(world) == []
    assert not speculates(template(world))
    assert "measured 10 drafts" in world.message("SpeculationActive")


def test_what_acceptance_turned_off_is_asked_again_after_hours() -> None:
    world = removed()
    world.pass_time(3600)
    told(world, batch=2.0)
    world.settle()
    assert canaries(world) == []

    world.pass_time(6 * 3600)
    told(world, batch=2.0)
    world.settle()
    assert len(canaries(world)) == 1


def test_a_lifted_kill_switch_is_followed_by_a_canary_whatever_was_learned_under_it() -> None:
    world = served({"tuning.maxTokens": 0})
    off(world, 601, "KillSwitch")
    world.roll_out()
    world.pass_time(1801)
    told(world, batch=2.0)
    world.settle()
    assert canaries(world) == []

    world.edit({"tuning.maxTokens": 5})
    told(world, batch=2.0)
    world.settle()

    assert len(canaries(world)) == 1
    assert table(world)["schedule"] == [[1, 256, 3]]


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


def test_a_rejected_new_pair_leaves_the_pods_without_the_draft() -> None:
    world = removed()
    before = template(world)
    world.edit({"draft.uri": "hf://org/other"})
    world.settle()
    world.lock_ends(LockFailure("ModelNotFound", "draft", "hf://org/other does not exist"))
    world.settle()

    assert template(world) == before


def test_a_new_release_of_the_operator_rolls_no_pod_that_runs_without_the_draft() -> None:
    world = removed()
    before = template(world)
    world.installation = replace(world.installation, runtime_image="registry.example/runtime:9")
    world.settle()

    assert template(world) == before


def test_a_stored_form_that_somebody_deletes_is_made_again_and_no_pod_is_replaced() -> None:
    world = removed()
    before = template(world)
    (lost,) = [
        each
        for each in world.all_of("ControllerRevision")
        if str(each["data"]["version"]).startswith("variant/")
    ]
    del world.objects["ControllerRevision", lost["metadata"]["name"]]
    world.look()
    assert template(world) == before
    world.settle()

    assert template(world) == before
    assert lost["data"] in [each["data"] for each in world.all_of("ControllerRevision")]


def test_a_paused_resource_decides_nothing() -> None:
    world = served()
    world.edit({"paused": True})
    off(world, 100_000)

    assert speculates(template(world))


def test_where_no_pod_may_be_added_the_canary_takes_the_place_of_another() -> None:
    world = removed({"rollout.maxSurge": 0, "rollout.maxUnavailable": 1})
    world.pass_time(1801)
    worth(world)

    assert world.objects["Deployment", builders.NAME]["spec"]["replicas"] == 1
    assert len(canaries(world)) == 1
