"""`tuning.mode: Auto` where an engine keeps the K of its start: a new K replaces the pods."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.redeployed import template
from tests.unit.planning.rolled_depth import HOURS, k_of, moved, seen, served
from tests.unit.planning.world import World


def speculation(world: World) -> Object:
    reported: Object = world.resource["status"]["speculation"]
    return reported


def variants(world: World) -> list[Object]:
    revisions = world.all_of("ControllerRevision")
    return [each for each in revisions if each["data"]["version"] == "variant/1"]


def test_pods_begin_with_the_deepest_k_which_measures_every_position() -> None:
    world = served()
    world.tuning = builders.tuning(world.lock_hash)
    world.settle()

    assert k_of(world) == 7
    assert world.condition("SpeculationActive") == ("True", "Initial")
    assert speculation(world)["liveMode"] == "Rollout"


def test_a_k_that_is_worth_its_rollout_is_rolled_out_under_the_same_lock() -> None:
    world = served()
    lock = world.lock_hash
    seen(world)

    assert k_of(world) == 3
    assert template(world)["metadata"]["labels"]["tandem.dev/lock"] == lock
    assert world.all_of("Job") == [], "nothing is locked again"
    assert world.table()["schedule"] == [[1, 256, 3]]
    assert world.condition("Reconciling") == ("True", "RollingOut")


def test_the_decision_is_told_with_its_numbers_wherever_decisions_are_told() -> None:
    world = moved()
    reported = speculation(world)

    assert world.condition("SpeculationActive") == ("True", "Tuned")
    message = world.message("SpeculationActive")
    assert message.startswith("K 7 -> 3 by rollout: 16.0 instead of 20.0 ms a token")
    assert "25 % more goodput" in message
    assert "50 % of the time busy" in message
    assert (reported["effectiveTokens"], reported["liveMode"]) == (3, "Rollout")
    assert reported["lastDecision"]["reason"] == "Tuned"
    assert reported["lastDecision"]["message"] == message
    assert world.event_records.count("Tuned") == 1


def test_every_such_rollout_is_an_event() -> None:
    world = moved()
    world.pass_time(4 * HOURS)
    seen(world, (2.0, 1.0, 1.3, 1.5, 1.6, 1.7, 1.8, 1.9), tokens=3)

    assert k_of(world) == 1
    assert world.event_records.count("Tuned") == 2


def test_the_price_is_the_shortest_start_of_the_pods_that_are_ready() -> None:
    world = served()
    for number, pod in enumerate(world.engine_pods()):
        ready = world.now + timedelta(seconds=100 * (number + 1) - 60)
        condition = {"type": "Ready", "status": "True", "lastTransitionTime": builders.stamp(ready)}
        pod["status"]["conditions"] = [condition]
    seen(world)

    assert "the rollout costs 100 s a replica (measured)" in world.message("SpeculationActive")


def test_without_a_measured_start_the_administrators_prior_is_the_price() -> None:
    world = moved()

    message = world.message("SpeculationActive")
    assert "the rollout costs 600 s a replica (not measured yet)" in message


def test_a_gain_below_the_price_of_a_rollout_rolls_nothing() -> None:
    world = served()
    seen(world, busy=0.05)  # 12 minutes of the next four hours, a quarter better: 180 s

    assert k_of(world) == 7


@pytest.mark.parametrize("fields", [{"seconds": 1799.0}, {"tokens": 5}], ids=["short", "another K"])
def test_too_little_traffic_or_that_of_other_pods_rolls_nothing(fields: Object) -> None:
    world = served()
    seen(world, **fields)

    assert k_of(world) == 7


def test_the_next_change_waits_for_the_dwell_whoever_leads_then() -> None:
    world = moved()
    deeper = (3.0, 2.0, 1.5, 1.0, 0.8, 0.7, 0.6, 0.5)
    world.pass_time(4 * HOURS - 60)
    world.tuning = None  # another leader begins, which has measured nothing
    world.settle()
    assert k_of(world) == 3
    seen(world, deeper, tokens=3)
    assert k_of(world) == 3

    world.pass_time(61)
    seen(world, deeper, tokens=3)
    assert k_of(world) == 7
    assert variants(world) == []


def test_each_change_within_a_day_doubles_the_dwell() -> None:
    world = moved()
    world.pass_time(4 * HOURS)
    seen(world, (3.0, 2.0, 1.5, 1.0, 0.8, 0.7, 0.6, 0.5), tokens=3)
    world.roll_out()
    world.pass_time(8 * HOURS - 1)
    seen(world)
    assert k_of(world) == 7

    world.pass_time(1)
    seen(world)
    assert k_of(world) == 3


def test_no_change_begins_while_pods_are_replaced_or_one_is_missing() -> None:
    world = served()
    world.roll_out(ready=1)
    seen(world)

    assert k_of(world) == 7


def test_lost_metrics_and_a_lost_status_change_nothing() -> None:
    world = moved()
    world.resource["status"] = {"observedGeneration": -1}
    assert world.tuning is not None
    lost = replace(world.tuning.metrics, status="False", reason="Unreachable")
    world.tuning = replace(world.tuning, metrics=lost)
    world.pass_time(24 * HOURS)
    world.settle()

    assert k_of(world) == 3
    assert speculation(world)["effectiveTokens"] == 3


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [({"engine.image": "neuron:2"}, 7), ({"speculation.maxTokens": 5}, 5)],
    ids=["image", "maxTokens"],
)
def test_a_changed_spec_begins_with_its_own_k(changes: Object, tokens: int) -> None:
    world = moved()
    world.edit(changes)
    world.settle()
    world.lock_ends(builders.good())
    world.settle()

    assert k_of(world) == tokens
    assert variants(world) == []


@pytest.mark.parametrize("mode", ["Fixed", "Observe"])
def test_another_mode_brings_the_k_of_the_spec_back_at_once(mode: str) -> None:
    world = moved()
    world.edit({"tuning.mode": mode})
    world.settle()

    assert k_of(world) == 7


def test_after_another_mode_auto_begins_with_the_k_of_the_spec_and_has_decided_nothing() -> None:
    world = moved()
    assert speculation(world)["lastDecision"]["message"].startswith("K ")
    for mode in ("Fixed", "Auto"):
        world.edit({"tuning.mode": mode})
        world.settle()
        world.roll_out()
        seen(world, (1.0,) * 8)

    assert world.condition("SpeculationActive") == ("True", "Initial")
    assert world.message("SpeculationActive") == "K is 7 until another is worth a rollout"
    assert speculation(world)["lastDecision"]["message"] != ""


def test_observe_says_what_auto_would_do_and_does_nothing() -> None:
    world = served({"tuning.mode": "Observe"})
    seen(world)
    assert world.message("SpeculationActive") == "Auto would change K 7 -> 3 by rollout"
    assert k_of(world) == 7

    seen(world, (1.0,) * 8)
    assert world.message("SpeculationActive") == "Auto would keep K 7"


def test_a_paused_resource_is_left_alone() -> None:
    world = served()
    world.edit({"paused": True})
    seen(world)

    assert k_of(world) == 7
