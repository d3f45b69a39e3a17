"""`onDecay`: told in every case, pods made again or without the draft where it is asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tandem_operator.planning.rollout.evidence import DecayView, RolloutEvidence, StoppedView
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.redeployed import speculates, template
from tests.unit.planning.world import World


def decays(world: World) -> None:
    seen = DecayView(world.now - timedelta(minutes=30), 0.8, 0.6)
    world.tuning = builders.tuning(world.lock_hash, rollout=RolloutEvidence(batch=4.0, decay=seen))
    world.settle()


def restarted_at(world: World) -> str | None:
    annotations: Object = template(world)["metadata"].get("annotations", {})
    return annotations.get("tandem.dev/restarted-at")


def decayed(changes: Object) -> World:
    world = World(builders.resource(changes)).serve()
    decays(world)
    return world


def test_it_is_told_and_nothing_is_replaced_by_default() -> None:
    world = decayed({})

    assert world.condition("AcceptanceDecayed") == ("True", "Decayed")
    assert "60 % since" in world.message("AcceptanceDecayed")
    assert "80 %" in world.message("AcceptanceDecayed")
    assert "Decayed" in world.event_records
    assert world.message("AcceptanceDecayed").endswith(
        "; tuning.onDecay Restart or Redeploy would replace the pods"
    )
    assert restarted_at(world) is None

    world.tuning = builders.tuning(world.lock_hash, rollout=RolloutEvidence(batch=4.0))
    world.settle()
    assert world.condition("AcceptanceDecayed") is None


def test_restart_makes_the_same_pods_again_once_a_dwell() -> None:
    world = decayed({"tuning.onDecay": "Restart"})
    first = restarted_at(world)
    assert first is not None
    assert speculates(template(world))
    message = world.message("AcceptanceDecayed")
    assert message.endswith(f"; the pods were restarted at {first[:16]}Z")
    assert "tuning.onDecay" not in message

    world.pass_time(5 * 3600)
    world.roll_out()
    decays(world)
    assert restarted_at(world) == first, "the dwell is six hours"

    world.pass_time(3600 + 1)
    decays(world)
    second = restarted_at(world)
    assert second != first
    world.roll_out()
    world.pass_time(7 * 3600)
    decays(world)
    assert restarted_at(world) == second, "the next one waits twice as long"


def test_no_second_restart_begins_before_the_first_is_done() -> None:
    world = decayed({"tuning.onDecay": "Restart", "replicas": 2})
    first = restarted_at(world)
    world.pass_time(48 * 3600)
    decays(world)

    assert restarted_at(world) == first


@pytest.mark.parametrize("mode", ["Observe", "Fixed"])
def test_observing_replaces_no_pod_and_a_fixed_k_is_no_reason_not_to(mode: str) -> None:
    world = decayed({"tuning.onDecay": "Restart", "tuning.mode": mode})

    assert (restarted_at(world) is None) == (mode == "Observe")


def test_redeploy_takes_the_draft_out_and_says_why() -> None:
    world = decayed({"tuning.onDecay": "Redeploy"})

    assert not speculates(template(world))
    assert world.condition("SpeculationActive") == ("False", "RemovedByRollout")
    assert "Decayed" in world.message("SpeculationActive")
    assert "from 80 to 60 %" in world.message("SpeculationActive")


GATED: Object = {
    "engine": {
        "type": "TensorRTLLM",
        "server": "Native",
        "image": "nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc29",
    },
    "speculation": {
        "method": "DraftModel",
        "maxTokens": 4,
        "constrainedOutput": "Allow",
        "engineConfig": {"acceptance_rate_window_size": 50, "acceptance_rate_threshold": 0.3},
    },
    "tuning.mode": "Fixed",
}


def gate_closes(world: World) -> None:
    stopped = StoppedView(world.now - timedelta(minutes=5), ("chat-1",), 2)
    world.tuning = builders.tuning(
        world.lock_hash, rollout=RolloutEvidence(batch=4.0, stopped=stopped)
    )
    world.settle()


def test_an_engine_that_ended_speculation_by_itself_is_told_and_restarted_where_asked() -> None:
    serving = World(builders.resource(GATED)).serve()
    gate_closes(serving)

    assert serving.condition("AcceptanceDecayed") == ("True", "Decayed")
    assert "1 of 2 replicas have stopped drafting" in serving.message("AcceptanceDecayed")
    assert "its own gate" in serving.message("AcceptanceDecayed")
    assert restarted_at(serving) is None

    world = World(builders.resource({**GATED, "tuning.onDecay": "Restart"})).serve()
    gate_closes(world)
    first = restarted_at(world)
    assert first is not None
    assert "--initial-tokens=3" in template(world)["spec"]["containers"][0]["args"]

    world.roll_out()
    world.tuning = builders.tuning(world.lock_hash, rollout=RolloutEvidence(batch=4.0))
    world.settle()
    assert world.condition("AcceptanceDecayed") is None

    world.pass_time(3600)
    gate_closes(world)
    assert restarted_at(world) == first, "a gate that closes again waits for the dwell"
