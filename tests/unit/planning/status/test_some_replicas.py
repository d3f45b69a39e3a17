"""What only some replicas report is not told of all: their own Events and pages tell it."""

from __future__ import annotations

import pytest

from tandem_operator.planning.snapshot import ReplicaView
from tandem_runtime.contract import metrics
from tests.unit.planning import builders
from tests.unit.planning.builders import Object
from tests.unit.planning.world import World

DISABLED = {"mode": metrics.MODE_DISABLED, "mode_reason": "unknown scheduler"}
OBSERVES = {"mode": metrics.MODE_OBSERVE, "mode_reason": "a pipeline"}
OBEYS: Object = {"mode": metrics.MODE_LOOKUP}


def condition(*reports: Object) -> tuple[str, str]:
    world = World(builders.resource(replicas=len(reports))).serve()
    replicas = tuple(
        builders.replica(f"pod-{place}", world.lock_hash, 1, **report)
        for place, report in enumerate(reports)
    )
    world.tuning = builders.tuning(world.lock_hash, replicas=replicas)
    world.settle()
    status, reason = world.condition("SpeculationActive")
    return status, reason


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ((DISABLED, DISABLED), ("False", "PluginDisabled")),
        ((DISABLED, OBEYS), ("True", "Tuned")),
        ((OBSERVES, OBSERVES), ("True", "NotLive")),
        ((OBSERVES, OBEYS), ("True", "Tuned")),
        ((OBSERVES, DISABLED), ("True", "Tuned")),
    ],
    ids=["all disabled", "one disabled", "all observe", "one observes", "one of each"],
)
def test_speculation_is_what_all_replicas_say_it_is(
    reports: tuple[Object, ...], expected: tuple[str, str]
) -> None:
    assert condition(*reports) == expected


def test_one_replica_without_its_plugin_bypasses_nothing_for_the_others() -> None:
    world = World(builders.resource(replicas=2)).serve()
    silent = ReplicaView(pod="pod-0", uid="uid-0", running=1.0)
    loaded = builders.replica("pod-1", world.lock_hash, 1)

    world.tuning = builders.tuning(world.lock_hash, replicas=(silent, loaded))
    world.settle()
    assert world.condition("SpeculationActive") == ("True", "Tuned")

    world.tuning = builders.tuning(world.lock_hash, replicas=(silent,))
    world.settle()
    assert world.condition("SpeculationActive") == ("False", "BypassUnavailable")
