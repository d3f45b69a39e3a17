"""From a resource to pods that serve: what exists after each step, and nothing besides."""

from __future__ import annotations

from tests.unit.planning import builders
from tests.unit.planning.world import World


def test_a_new_resource_gets_a_lock_job_and_nothing_else() -> None:
    world = World()

    world.settle()

    assert [name.partition("-lock-")[0] for name in world.names()] == ["Job/chat"]
    assert world.condition("Ready") == ("False", "LockPending")
    assert world.condition("Reconciling") == ("True", "Locking")
    assert world.condition("PairCompatible") == ("Unknown", "LockPending")
    assert world.resource["status"]["observedGeneration"] == 1


def test_a_good_report_becomes_a_revision_and_its_children() -> None:
    world = World()
    world.settle()

    world.lock_ends(builders.good())
    world.settle()

    kinds = sorted(name.partition("/")[0] for name in world.names())
    assert kinds == ["ConfigMap", "ControllerRevision", "Deployment", "Job", "Service"]
    assert world.condition("PairCompatible") == ("True", "Equal")
    assert world.condition("Reconciling") == ("True", "RollingOut")
    assert world.condition("Ready") == ("False", "Starting")


def test_pods_that_are_ready_end_the_rollout() -> None:
    world = World().serve()

    assert world.condition("Ready") == ("True", "Serving")
    assert world.condition("Reconciling") is None
    assert world.condition("Stalled") is None
    assert world.resource["status"]["pair"]["reason"] == "Equal"
    assert "candidate" not in world.resource["status"]


def test_a_wrong_pair_is_told_and_never_started() -> None:
    world = World()
    world.settle()

    world.lock_ends(builders.wrong())
    world.settle()

    assert world.condition("Stalled") == ("True", "PairRejected")
    assert "id 6001 is 'foo' in the target and 'bar' in the draft" in world.message("Stalled")
    assert world.condition("PairCompatible") == ("False", "IdsDiffer")
    assert world.condition("Ready") == ("False", "PairRejected")
    assert not world.all_of("Deployment")

    world.pass_time(61)
    world.settle()

    assert world.names() == set()
    assert world.condition("Stalled") == ("True", "PairRejected")


def test_nothing_is_written_when_nothing_changed() -> None:
    world = World().serve()
    world.pass_time(61)
    world.settle()
    before = dict(world.writes)

    world.pass_time(3600)
    world.settle()

    assert dict(world.writes) == before
