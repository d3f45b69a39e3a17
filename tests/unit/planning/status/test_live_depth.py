"""K is what the pods say it is: no switch is acknowledged that nothing obeys, and nothing is told
of a depth that no engine has."""

from __future__ import annotations

import pytest

from tandem_operator.planning.snapshot import ReplicaView
from tandem_operator.planning.status import depth_notes
from tandem_operator.tuning.decision import Prediction
from tandem_runtime.contract import metrics
from tests.unit.engines.builders import spec
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

FIXED = {
    "engine.image": "vllm/vllm-openai:v0.28.0",
    "tuning.mode": "Fixed",
    "speculation.constrainedOutput": "Allow",
}
REASON = "the stages of a pipeline would run different depths"


def speculation_of(world: World) -> Object:
    speculation: Object = world.resource["status"]["speculation"]
    return speculation


def reporting(world: World, **fields: object) -> World:
    """The only replica reports so, and the world is reconciled."""
    known: Object = {"mode": metrics.MODE_OBSERVE, "mode_reason": REASON, **fields}
    replica = builders.replica("pod", world.lock_hash, known.pop("generation", -1), **known)
    world.tuning = builders.tuning(world.lock_hash, replicas=(replica,))
    world.settle()
    return world


def test_a_kill_switch_that_the_pods_only_observe_is_not_acknowledged() -> None:
    world = reporting(World(builders.resource({"tuning.maxTokens": 0})).serve())

    assert world.condition("SpeculationActive") == ("True", "NotLive")
    assert world.message("SpeculationActive").startswith("tuning.maxTokens 0 is not in force")
    assert REASON in world.message("SpeculationActive")
    assert speculation_of(world)["state"] == "Active"
    assert speculation_of(world)["appliedReplicas"] == 0


def test_a_kill_switch_that_the_pods_obey_is() -> None:
    world = World(builders.resource({"tuning.maxTokens": 0})).serve()
    reporting(world, mode=metrics.MODE_LOOKUP, mode_reason=None)

    assert world.condition("SpeculationActive") == ("False", "KillSwitch")


def test_a_kill_switch_needs_nobodys_help_where_no_draft_is_loaded() -> None:
    world = World(builders.resource({"tuning.maxTokens": 0})).serve()
    reporting(world, mode_reason=metrics.NO_SPECULATION)

    assert world.condition("SpeculationActive") == ("False", "KillSwitch")


def test_a_generation_that_an_observing_replica_names_counts_as_applied_by_nobody() -> None:
    world = World().serve()
    world.tuning = builders.tuning(world.lock_hash)
    world.settle()
    world.pass_time(61)
    reporting(world, generation=speculation_of(world)["generation"])

    assert speculation_of(world)["appliedReplicas"] == 0
    assert speculation_of(world)["liveMode"] == "Rollout"
    assert "effectiveTokens" not in speculation_of(world)


def test_one_replica_that_observes_leaves_the_others_their_live_k() -> None:
    world = World().serve()
    world.tuning = builders.tuning(world.lock_hash)
    world.settle()
    replicas = (
        builders.replica("a", world.lock_hash, speculation_of(world)["generation"]),
        builders.replica("b", world.lock_hash, -1, mode=metrics.MODE_OBSERVE),
    )
    world.tuning = builders.tuning(world.lock_hash, replicas=replicas)
    world.pass_time(61)
    world.settle()

    assert world.condition("SpeculationActive") == ("True", "Tuned")
    assert speculation_of(world)["appliedReplicas"] == 1
    assert speculation_of(world)["liveMode"] == "Lookup"


def test_an_engine_of_fixed_depth_is_told_as_it_is_before_anything_reports() -> None:
    world = World(builders.resource(FIXED)).serve()

    assert speculation_of(world)["liveMode"] == "Rollout"
    assert speculation_of(world)["schedule"] == [{"from": 1, "to": 256, "tokens": 7}]
    assert speculation_of(world)["effectiveTokens"] == 7
    assert world.condition("SpeculationActive") == ("True", "Fixed")
    assert "K stays 7" in world.message("SpeculationActive")


def test_tuning_that_is_asked_of_an_engine_of_fixed_depth_later_is_refused_and_k_stays() -> None:
    world = World(builders.resource(FIXED)).serve()
    world.edit({"tuning.mode": "Auto", "tuning.maxTokens": 0})
    world.settle()

    assert world.condition("Stalled") == ("True", "UnsupportedCombination")
    assert world.condition("SpeculationActive") == ("True", "NotLive")
    assert "K stays 7" in world.message("SpeculationActive")
    assert (world.table()["enabled"], world.table()["schedule"]) == (True, [[1, 256, 7]])


@pytest.mark.parametrize(
    ("mode", "baseline", "speedup"),
    [
        (metrics.MODE_LOOKUP, "Idle", "2.1"),
        (metrics.MODE_TRIM, "Idle", "-"),
        (metrics.MODE_TRIM, "NotLoaded", "2.1"),
    ],
)
def test_no_speedup_is_told_against_an_idle_that_still_makes_all_drafts(
    mode: str, baseline: str, speedup: str
) -> None:
    world = World().serve()
    predicted = Prediction(batch=4, tokens=7, speedup=2.14, speedup_baseline=baseline)
    replica = builders.replica("pod", world.lock_hash, 1, mode=mode)
    world.tuning = builders.tuning(
        world.lock_hash, decision=builders.decision(predicted=predicted), replicas=(replica,)
    )
    world.settle()

    assert speculation_of(world)["speedup"] == speedup
    assert speculation_of(world).get("speedupBaseline") == (baseline if speedup != "-" else None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "BypassUnavailable"),
        ({"speculation.constrainedOutput": "Allow"}, "PluginDisabled"),
        (FIXED, "PluginDisabled"),
        ({"tuning.maxTokens": 0, "speculation.constrainedOutput": "Allow"}, "PluginDisabled"),
    ],
)
def test_a_plugin_that_no_replica_has_is_told_at_the_first_reading(
    changes: Object, reason: str
) -> None:
    world = World(builders.resource(changes)).serve()
    silent = ReplicaView(pod="pod", uid="uid-pod", running=1.0)
    world.tuning = builders.tuning(world.lock_hash, replicas=(silent,))
    world.settle()

    assert world.condition("SpeculationActive") == ("False", reason)
    assert "VLLM_PLUGINS" in world.message("SpeculationActive")
    assert reason in world.event_records


def test_a_replica_that_was_not_read_says_nothing_about_its_plugin() -> None:
    world = World().serve()
    unread = ReplicaView(pod="pod", uid="uid-pod")
    world.tuning = builders.tuning(world.lock_hash, replicas=(unread,))
    world.settle()

    assert world.condition("SpeculationActive") == ("True", "Tuned")


def test_the_caps_of_segments_and_the_initial_depth_are_tiers_and_it_is_said() -> None:
    world = World(
        builders.resource(
            {
                "speculation.maxTokens": 5,
                "speculation.initialTokens": 2,
                "tuning.mode": "Fixed",
                "tuning.segments": [{"name": "creative", "maxTokens": 2}],
            }
        )
    ).serve()

    assert world.table()["schedule"] == [[1, 256, 1]]
    assert world.table()["segments"] == {"creative": {"maxTokens": 1}}
    assert world.message("SpeculationActive").startswith("K stays 1; ")
    for field in ("speculation.maxTokens 5", "speculation.initialTokens 2", "[creative]"):
        assert field in world.message("SpeculationActive")


def test_only_a_depth_that_is_no_tier_is_noted() -> None:
    asked = spec({"speculation.initialTokens": 3, "tuning.minTokens": 2})

    assert depth_notes.messages(asked, (0, 1, 3, 7)) == (
        "tuning.minTokens 2 is lowered to 1: K is one of 0, 1, 3, 7",
    )
    assert depth_notes.messages(asked, (7,)) == ()
    assert depth_notes.messages(spec(), (0, 1, 3, 7)) == ()
