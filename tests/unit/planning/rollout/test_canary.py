"""Back through one canary pod: when it begins, what is made of it, and where it stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem_operator.planning.rollout.evidence import CanaryView
from tests.unit.planning import builders
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
    assert world.table()["schedule"] == [[1, 256, 3]]
    assert world.table()["enabled"]


def test_the_others_follow_a_good_canary_once_it_is_gone() -> None:
    world = with_canary()
    report_metrics(world, batch=2.0, worth=3, canary=GOOD)
    world.reconcile()
    world.reconcile()
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
        (replace(GOOD, seconds_per_token=0.021), "ms/token"),
    ],
)
def test_a_poor_canary_goes_and_the_others_stay_as_they_are(seen: CanaryView, why: str) -> None:
    world = removed({"tuning.thresholds.minAcceptanceRatePercent": 40})
    world.pass_time(1801)
    worth(world)
    before = template(world)
    report_metrics(world, batch=2.0, worth=3, canary=seen)
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
    report_metrics(world, batch=2.0, worth=3, canary=replace(GOOD, drafts=10.0))
    world.settle()

    assert canaries(world) == []
    assert not speculates(template(world))
    assert "measured 10 drafts" in world.message("SpeculationActive")


def test_what_acceptance_turned_off_is_asked_again_after_hours() -> None:
    world = removed()
    world.pass_time(3600)
    report_metrics(world, batch=2.0)
    world.settle()
    assert canaries(world) == []

    world.pass_time(6 * 3600)
    report_metrics(world, batch=2.0)
    world.settle()
    assert len(canaries(world)) == 1


def test_a_lifted_kill_switch_is_followed_by_a_canary_whatever_was_learned_under_it() -> None:
    world = served({"tuning.maxTokens": 0})
    off(world, 601, "KillSwitch")
    world.roll_out()
    world.pass_time(1801)
    report_metrics(world, batch=2.0)
    world.settle()
    assert canaries(world) == []

    world.edit({"tuning.maxTokens": 5})
    report_metrics(world, batch=2.0)
    world.settle()

    assert len(canaries(world)) == 1
    assert world.table()["schedule"] == [[1, 256, 3]]


def test_where_no_pod_may_be_added_the_canary_takes_the_place_of_another() -> None:
    world = removed({"rollout.maxSurge": 0, "rollout.maxUnavailable": 1})
    world.pass_time(1801)
    worth(world)

    assert world.objects["Deployment", builders.NAME]["spec"]["replicas"] == 1
    assert len(canaries(world)) == 1
