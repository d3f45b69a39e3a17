"""Numbers in status move on a decision, or when they are worth telling, at most once a minute."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_runtime.contract.table import Range
from tests.unit.planning import builders
from tests.unit.planning.world import World


def tuned() -> World:
    """A pair that serves and was just tuned."""
    world = World().serve()
    world.tuning = builders.tuning(world.lock_hash)
    world.settle()
    return world


def status_writes(world: World) -> int:
    return world.writes["status", "SpeculativeDeployment", "chat"]


def test_a_decision_tells_every_number_at_once() -> None:
    speculation = tuned().resource["status"]["speculation"]

    assert speculation["state"] == "Active"
    assert speculation["effectiveTokens"] == 7
    assert speculation["acceptanceRatePercent"] == 80
    assert speculation["meanAcceptedTokens"] == "2.7"
    assert speculation["speedup"] == "2.1"
    assert speculation["lastDecision"]["reason"] == "Tuned"
    assert speculation["schedule"][0] == {"from": 1, "to": 8, "tokens": 7}


@settings(max_examples=15, deadline=None)
@given(rate=st.floats(0.79, 0.81))
def test_a_point_more_or_less_is_not_told(rate: float) -> None:
    world = tuned()
    before = status_writes(world)
    assert world.tuning is not None

    world.pass_time(3600)
    world.tuning = replace(world.tuning, acceptance_rate=rate)
    world.settle()

    assert status_writes(world) == before


def test_a_rate_that_becomes_unknown_or_known_is_worth_telling_by_itself() -> None:
    world = tuned()
    assert world.tuning is not None
    known = world.tuning
    for rate, reported in ((None, None), (0.8, 80)):
        world.pass_time(61)
        world.tuning = replace(known, acceptance_rate=rate)
        world.settle()
        assert world.resource["status"]["speculation"].get("acceptanceRatePercent") == reported


def test_one_segment_whose_acceptance_moved_is_worth_telling_by_itself() -> None:
    world = tuned()
    assert world.tuning is not None
    known = world.tuning
    for rate, reported in ((0.5, 50), (0.3, 30)):
        world.pass_time(61)
        world.tuning = replace(known, segments={"chat": 0.8, "code": rate})
        world.settle()
        segments = world.resource["status"]["speculation"]["segments"]
        assert [each["acceptanceRatePercent"] for each in segments] == [80, reported]


def test_words_of_a_decision_stand_while_its_rule_is_the_same() -> None:
    """They hold numbers that move with each reading; lastDecision says when they were true."""
    world = tuned()
    reported = world.message("SpeculationActive")
    for reason, message in (("Tuned", reported), ("Other", "another rule")):
        world.pass_time(61)
        decision = builders.decision(reason=reason, message="another rule")
        world.tuning = builders.tuning(world.lock_hash, decision=decision)
        world.settle()
        assert world.message("SpeculationActive") == message
        assert world.resource["status"]["speculation"]["lastDecision"]["message"] == message


def test_a_minute_after_the_last_word_a_reconciliation_comes_by_itself() -> None:
    """Traffic may have ended by then, and nothing else would ask for the reconciliation."""
    world = tuned()
    world.pass_time(20)

    assert world.reconcile().requeue_after_s == 40.0
    world.pass_time(41)
    assert world.reconcile().requeue_after_s is None


def test_what_is_worth_telling_waits_for_its_minute() -> None:
    world = tuned()
    before = status_writes(world)
    assert world.tuning is not None
    world.tuning = replace(world.tuning, acceptance_rate=0.5)

    world.pass_time(59)
    world.settle()
    assert status_writes(world) == before

    world.pass_time(1)
    world.settle()
    assert world.resource["status"]["speculation"]["acceptanceRatePercent"] == 50
    assert status_writes(world) == before + 1


def test_a_table_that_every_replica_applied_is_told_at_once_with_its_k() -> None:
    world = tuned()
    generation = world.resource["status"]["speculation"]["generation"]
    assert world.tuning is not None
    assert world.resource["status"]["speculation"]["appliedReplicas"] == 0

    replica = builders.replica("pod", world.lock_hash, generation)
    world.tuning = replace(world.tuning, replicas=(replace(replica, effective_tokens=2),))
    world.settle()

    speculation = world.resource["status"]["speculation"]
    assert speculation["appliedReplicas"] == 1
    assert speculation["liveMode"] == "Lookup"
    assert speculation["effectiveTokens"] == 2

    world.tuning = replace(world.tuning, replicas=(replace(replica, effective_tokens=1),))
    world.settle()
    assert world.resource["status"]["speculation"]["effectiveTokens"] == 2, "not within a minute"


def test_an_idle_decision_says_why() -> None:
    world = tuned()
    decided = builders.decision(
        state="Idle",
        reason="AcceptanceBelowThreshold",
        schedule=(Range(1, 256, 0),),
        message="31 % is below 45 % for 60 s",
    )
    world.tuning = builders.tuning(world.lock_hash, decision=decided)

    world.settle()

    assert world.condition("SpeculationActive") == ("False", "AcceptanceBelowThreshold")
    assert world.message("SpeculationActive") == "31 % is below 45 % for 60 s"
    assert world.resource["status"]["speculation"]["state"] == "Idle"
    assert "AcceptanceBelowThreshold" in world.event_records


def test_a_plugin_that_disabled_itself_is_told_with_its_reason() -> None:
    world = tuned()
    silent = builders.replica(
        "pod", world.lock_hash, -1, mode="disabled", mode_reason="unknown scheduler"
    )
    world.tuning = builders.tuning(world.lock_hash, replicas=(silent,))

    world.settle()

    assert world.condition("SpeculationActive") == ("False", "PluginDisabled")
    assert "unknown scheduler" in world.message("SpeculationActive")


def test_notes_tell_transitions_only() -> None:
    world = World().serve()

    assert sorted(world.event_records) == ["Equal", "Locking", "RollingOut", "Serving"]
    records = list(world.event_records)
    world.pass_time(3600)
    world.settle()
    assert world.event_records == records


def test_before_the_first_decision_nobody_has_applied_a_new_table() -> None:
    world = tuned()
    generation = world.resource["status"]["speculation"]["generation"]
    assert world.tuning is not None
    replica = builders.replica("pod", world.lock_hash, generation)
    world.tuning = replace(world.tuning, replicas=(replica,))
    world.settle()
    world.tuning = None
    world.resource["spec"].setdefault("tuning", {})["maxTokens"] = 0
    world.resource["metadata"]["generation"] += 1
    world.settle()

    speculation = world.resource["status"]["speculation"]
    assert speculation["generation"] != generation
    assert speculation["appliedReplicas"] == 0
