"""Engines behind a check of the files: no plugin is missed, and K is what the start made it."""

from __future__ import annotations

import json

import pytest

from tandem_operator.planning.snapshot import ReplicaView
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

FIXED: Object = {"tuning.mode": "Fixed", "speculation.constrainedOutput": "Allow"}
SGLANG: Object = {**FIXED, "engine": {"type": "SGLang", "image": "lmsysorg/sglang:v0.5.23"}}
NEURON: Object = {
    **FIXED,
    "engine": {"type": "Neuron", "image": "neuron:1"},
    "speculation": {"method": "Eagle3", "maxTokens": 7, "constrainedOutput": "Allow"},
}
ADAPTIVE: Object = {
    **SGLANG,
    "speculation": {
        "method": "Eagle3",
        "maxTokens": 7,
        "constrainedOutput": "Allow",
        "engineConfig": {"adaptive": True},
    },
    "tuning.thresholds.maxConcurrency": 8,
}


def serving(changes: Object) -> World:
    """A pair that serves, whose page was read."""
    world = World(builders.resource(changes)).serve()
    read = ReplicaView(pod="pod", uid="uid-pod", running=1.0)
    world.tuning = builders.tuning(world.lock_hash, replicas=(read,))
    world.settle()
    return world


@pytest.mark.parametrize("changes", [SGLANG, NEURON], ids=["SGLang", "Neuron"])
def test_k_stays_what_the_engine_was_started_with(changes: Object) -> None:
    world = serving(changes)

    assert world.condition("SpeculationActive") == ("True", "Fixed")
    assert world.message("SpeculationActive") == "K stays 7"
    assert world.table()["schedule"] == [[1, 256, 7]]
    assert world.resource["status"]["speculation"]["liveMode"] == "Rollout"
    assert world.resource["status"]["speculation"]["effectiveTokens"] == 7


def test_adaptive_tiers_begin_at_the_table_and_are_told_as_a_beginning() -> None:
    world = serving(ADAPTIVE)

    assert world.condition("SpeculationActive") == ("True", "Fixed")
    assert world.message("SpeculationActive").startswith("K starts at 3")
    assert (world.table()["schedule"], world.table()["maxConcurrency"]) == ([[1, 256, 3]], 8)


def test_every_pod_gets_the_check_that_starts_it() -> None:
    pod = serving(SGLANG).only("Deployment")["spec"]["template"]["spec"]
    (fetch,) = pod["initContainers"]
    (lock,) = [each["value"] for each in fetch["env"] if each["name"] == "TANDEM_LOCK"]

    assert json.loads(lock)["plugin"] == "start"
    assert "tandem_runtime.start" in pod["containers"][0]["command"][2]


def test_a_deeper_k_is_a_rollout_under_the_same_lock() -> None:
    world = serving(SGLANG)
    before, lock = world.only("Deployment")["spec"]["template"], world.lock_hash

    world.edit({"speculation.maxTokens": 3})
    world.settle()
    world.lock_ends(builders.good())
    world.settle()

    assert world.lock_hash == lock
    after = world.only("Deployment")["spec"]["template"]
    assert "--speculative-num-steps=7" in before["spec"]["containers"][0]["args"]
    assert "--speculative-num-steps=3" in after["spec"]["containers"][0]["args"]
