"""A world whose pods run without the draft, or whose canary tries it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tandem_operator.planning.rollout.evidence import CanaryView, RolloutEvidence
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

REDEPLOY: Object = {"tuning.offMode": "Redeploy", "replicas": 2}
GOOD = CanaryView("canary", 120.0, 400.0, 0.8, 0.010, 0.020)


def served(changes: Object | None = None) -> World:
    return World(builders.resource({**REDEPLOY, **(changes or {})})).serve()


def report_metrics(world: World, **fields: Any) -> None:
    """What the loop measured, as of now."""
    view = builders.tuning(world.lock_hash, rollout=RolloutEvidence(**fields))
    world.tuning = view


def off(world: World, seconds: float, reason: str = "AcceptanceBelowThreshold") -> None:
    since = world.now
    world.pass_time(seconds)
    report_metrics(world, off_since=since, off_reason=reason, batch=4.0)
    world.settle()


def removed(changes: Object | None = None) -> World:
    world = served(changes)
    off(world, 601)
    world.roll_out()
    world.settle()
    return world


def worth(world: World, tokens: int = 3) -> None:
    """The load has been worth a draft for long enough."""
    report_metrics(world, batch=2.0, worth=tokens, worth_since=world.now - timedelta(seconds=301))
    world.settle()


def with_canary() -> World:
    world = removed()
    world.pass_time(1801)
    worth(world)
    return world


def template(world: World, name: str = builders.NAME) -> Object:
    pod_template: Object = world.objects["Deployment", name]["spec"]["template"]
    return pod_template


def speculates(pod_template: Object) -> bool:
    (main,) = [c for c in pod_template["spec"]["containers"] if c["name"] == "main"]
    return any("--speculative-config" in word for word in main["args"])


def canaries(world: World) -> list[Object]:
    return [raw for raw in world.all_of("Deployment") if "canary" in raw["metadata"]["name"]]
