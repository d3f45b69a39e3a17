"""While a canary leaves: its place stays empty, nothing follows, and status says that it moves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem_operator.planning import Failure
from tandem_operator.planning.plan import Reference
from tandem_operator.planning.rollout.evidence import CanaryView
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.redeployed import (
    GOOD,
    canaries,
    off,
    removed,
    report_metrics,
    served,
    speculates,
    template,
    with_canary,
    worth,
)
from tests.unit.planning.world import World

NO_MORE_PODS: Object = {"rollout.maxSurge": 0, "rollout.maxUnavailable": 1}
POOR = replace(GOOD, acceptance_rate=None)


def replicas(world: World) -> int:
    return int(world.objects["Deployment", builders.NAME]["spec"]["replicas"])


def pod_of(world: World) -> Object:
    """The canary's pod serves."""
    (canary,) = canaries(world)
    controller = {"kind": "Deployment", "uid": canary["metadata"]["uid"], "controller": True}
    owner = world.add(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "chat-canary-set", "ownerReferences": [controller]},
        }
    )
    return world.engine_pod(owner, canary["spec"]["template"], ready=True)


def gone(world: World, pod: Object) -> None:
    del world.objects["Pod", pod["metadata"]["name"]]


@pytest.mark.parametrize(("seen", "comes_back"), [(GOOD, True), (POOR, False)])
def test_the_others_wait_until_the_canarys_pod_has_left_too(
    seen: CanaryView, comes_back: bool
) -> None:
    """Its accelerator is not free before, and there may be no other."""
    world = with_canary()
    pod = pod_of(world)
    report_metrics(world, batch=2.0, worth=3, canary=seen)
    world.settle()
    assert canaries(world) == []
    assert not speculates(template(world))

    gone(world, pod)
    world.settle()
    assert speculates(template(world)) == comes_back


@pytest.mark.parametrize("seen", [GOOD, POOR])
def test_a_replica_that_made_room_is_missed_from_when_the_canary_leaves(seen: CanaryView) -> None:
    world = removed(NO_MORE_PODS)
    world.pass_time(1801)
    worth(world)
    world.roll_out()
    world.settle()
    assert world.condition("Reconciling") is None, "the canary stands for the second replica"

    pod = pod_of(world)
    report_metrics(world, batch=2.0, worth=3, canary=seen)
    world.settle()
    assert (canaries(world), replicas(world)) == ([], 1)
    assert world.condition("Reconciling") == ("True", "RollingOut")
    assert "1 of 2 replicas" in world.message("Reconciling")

    gone(world, pod)
    world.settle()
    assert replicas(world) == 2
    world.roll_out()
    world.settle()
    assert world.condition("Reconciling") is None


def test_after_a_good_canary_status_names_no_cause_of_what_is_over() -> None:
    world = with_canary()
    pod_of(world)
    report_metrics(world, batch=2.0, worth=3, canary=GOOD)
    world.settle()

    message = world.message("SpeculationActive")
    assert message.startswith("the draft is not loaded;")
    assert message.endswith("the pods load it again when the canary is gone")


def test_nothing_is_decided_while_a_write_fails() -> None:
    """What stands is not what is wanted, so what is measured says nothing of it."""
    world = served()
    budget = Reference("policy/v1", "PodDisruptionBudget", builders.NAME)
    generation = world.resource["metadata"]["generation"]
    world.failures[budget] = Failure(budget, 500, "a webhook is down", generation, world.now)
    off(world, 601)
    assert speculates(template(world))

    world.failures[budget] = replace(world.failures[budget], generation=generation - 1)
    off(world, 601)
    assert not speculates(template(world)), "what failed was of a spec before this one"
