"""Of several things that hinder, the first that may be over says when to reconcile again."""

from __future__ import annotations

from tests.unit.planning import builders
from tests.unit.planning.builders import stamp
from tests.unit.planning.world import World


def test_a_name_that_is_taken_does_not_delay_one_that_is_about_to_be_free() -> None:
    world = World().serve()
    world.pass_time(61)
    world.settle()
    assert world.all_of("Job") == [], "nothing else is due"
    service = world.objects["Service", builders.NAME]
    service["metadata"]["deletionTimestamp"] = stamp(world.now)
    world.settle()
    world.pass_time(50)
    taken = world.objects["Deployment", builders.NAME]
    taken["metadata"]["ownerReferences"] = [
        {"kind": "Application", "name": "theirs", "uid": "uid-of-theirs", "controller": True}
    ]

    assert world.reconcile().requeue_after_s == 10.0
