"""Where nothing may be written, or a write fails, the status tells it and the children stand."""

from __future__ import annotations

from dataclasses import replace

from tandem_operator.planning import plan
from tests.unit.planning import builders, kstatus
from tests.unit.planning.world import World


def test_paused_writes_nothing_to_children_and_still_tells() -> None:
    world = World().serve()
    world.edit({"paused": True, "replicas": 5})
    children = dict(world.writes)

    world.settle()

    written = {key for key, count in world.writes.items() if count != children.get(key)}
    assert written == {("status", "SpeculativeDeployment", "chat")}
    assert world.condition("Paused") == ("True", "ByUser")
    assert world.resource["status"]["observedGeneration"] == 2


def test_a_change_that_waits_for_the_end_of_a_pause_is_not_done() -> None:
    world = World().serve()
    world.edit({"paused": True})
    world.settle()
    assert kstatus.current(world.resource), "nothing waits"

    for change in ({"replicas": 3}, {"replicas": 1, "draft.uri": "hf://org/other"}):
        world.edit(change)
        world.settle()
        assert world.condition("Reconciling") == ("True", "RollingOut")
        assert "paused" in world.message("Reconciling")
        assert world.condition("Paused") == ("True", "ByUser")


def test_a_write_that_fails_for_a_while_is_told_in_the_servers_words() -> None:
    world = World()
    world.settle()
    world.lock_ends(builders.good())
    words = 'Internal error: failed calling webhook "w.example": connection refused'
    world.refuse["Deployment"] = (500, words)
    world.reconcile()
    world.reconcile()
    assert world.condition("Reconciling") == ("True", "RollingOut"), "it may be over at once"
    assert world.condition("Ready") == ("False", "Starting"), "the pair is locked"

    world.pass_time(5)
    world.reconcile()
    assert world.condition("Reconciling") == ("True", "Retrying")
    assert world.message("Reconciling") == f"Deployment chat cannot be written: {words}"
    assert world.resource["status"]["observedGeneration"] == 1

    world.refuse.clear()
    world.reconcile()
    world.reconcile()
    assert world.condition("Reconciling") == ("True", "RollingOut")


def test_a_failure_of_what_is_no_longer_wanted_is_not_told() -> None:
    world = World()
    world.refuse["Job"] = (500, "no")
    world.reconcile()
    world.pass_time(10)
    world.reconcile()
    assert world.condition("Reconciling") == ("True", "Retrying")

    world.refuse.clear()
    world.edit({"engine.args": ["--port=1"]})
    world.settle()
    assert world.condition("Stalled") == ("True", "InvalidArguments")
    world.edit({"engine.args": None, "draft.uri": "hf://org/other"})
    world.settle()
    assert world.condition("Reconciling") == ("True", "Locking")


def test_where_a_kind_cannot_be_watched_nothing_is_changed_and_stalled_says_so() -> None:
    world = World().serve()
    world.edit({"replicas": 3})
    children = dict(world.writes)
    before = world.condition("Ready")
    seen = replace(world.snapshot(), blind="the operator cannot watch pods: 403: no")
    world.execute(plan(seen))

    assert world.condition("Stalled") == ("True", "WatchRefused")
    assert world.message("Stalled") == "the operator cannot watch pods: 403: no"
    assert world.condition("Ready") == before
    written = {key for key, count in world.writes.items() if count != children.get(key)}
    assert written == {("status", "SpeculativeDeployment", "chat")}
