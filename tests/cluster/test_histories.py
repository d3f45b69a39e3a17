"""Histories on a real API server: whatever happened, the end is that of a fresh apply.

A few tenants only: hundreds are played in memory, in `tests/unit/histories`. The kubelet is played
here too.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.cluster.cluster import Cluster
from tests.cluster.outside import plane as planes
from tests.cluster.outside.plane import Plane
from tests.cluster.outside.rights import REPOSITORY
from tests.cluster.outside.room import Room
from tests.cluster.outside.waiting import wait
from tests.unit.planning import builders, kstatus

pytestmark = [pytest.mark.cluster, pytest.mark.slow]

Object = dict[str, Any]
TENANTS = 8
STEPS = 40
BAD = "hf://org/bad"
IMAGES = ("vllm/vllm-openai:v0.32.0", "vllm/vllm-openai:v0.33.0")


@pytest.fixture
def plane(new_control_plane: Callable[[], Cluster], tmp_path: Path) -> Iterator[Plane]:
    with planes.up(new_control_plane, tmp_path) as made:
        yield made


class Tenant:
    """One namespace, what its user asked for last, and its kubelet."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.wanted: Object | None = None

    def apply(self, **spec: Any) -> None:
        if self.wanted is None:
            self.wanted = {"replicas": 1, "paused": False}
        self.wanted |= spec
        if self.room.get("specdep") is None:
            self.room.create(**self.wanted)
        else:
            self.room.edit(**self.wanted)

    def delete(self) -> None:
        if self.wanted is not None:
            self.room.server.delete("specdep", self.room.namespace, self.room.name)
        self.wanted = None

    def kubelet(self) -> None:
        """Locks end as their pair says, engines start."""
        with contextlib.suppress(AssertionError, ValueError):  # a pod that comes or is gone by now
            self.room.start_engines()
            for job in self.room.all_of("jobs"):
                if "completionTime" in job.get("status", {}) or "failed" in job.get("status", {}):
                    continue
                if any(pod["status"]["phase"] == "Pending" for pod in self.room.pods("lock")):
                    bad = BAD in str(job["spec"])
                    self.room.end_lock(builders.wrong() if bad else builders.good())
                    break

    def settled(self) -> bool:
        self.kubelet()
        raw = self.room.get("specdep")
        return raw is not None and kstatus.current(raw)

    def world(self) -> Object:
        """What stands for the present spec, without what tells of the past."""
        deployment = self.room.get("deployments")
        assert deployment is not None
        status = self.room.resource()["status"]
        return {
            "template": deployment["spec"]["template"],
            "replicas": deployment["spec"]["replicas"],
            "pods": len(self.room.pods("engine")),
            "pair": {**status["pair"], "lockedAt": None},
            "conditions": [
                (each["type"], each["status"], each["reason"])
                for each in status["conditions"]
                if each["type"] in ("Ready", "PairCompatible", "Reconciling", "Stalled")
            ],
            "services": len(self.room.all_of("services")),
        }


def ends_as(tenant: Tenant, world: Object) -> None:
    """Old pods may still be on their way out."""
    with contextlib.suppress(AssertionError):
        wait("the same", lambda: tenant.world() == world, 30)
    assert tenant.world() == world


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1])
def test_any_history_ends_as_a_fresh_apply_does(plane: Plane, seed: int) -> None:
    chance = random.Random(seed)
    plane.lead()
    tenants = [Tenant(plane.room()) for _ in range(TENANTS)]
    for tenant in tenants:
        tenant.apply()
    for step in range(STEPS):
        tenant = chance.choice(tenants)
        what = chance.randrange(8)
        if what < 2:
            tenant.apply(engine={"type": "vLLM", "image": chance.choice(IMAGES)})
        elif what == 2:
            tenant.apply(draft={"uri": chance.choice((BAD, "hf://org/draft"))})
        elif what == 3:
            tenant.apply(replicas=chance.choice((0, 1, 2)))
        elif what == 4:
            tenant.apply(paused=chance.random() < 0.5)
        elif what == 5:
            tenant.delete()
        for each in tenants:
            each.kubelet()
        if step == STEPS // 3:
            plane.operators.kill(planes.FIRST)
            plane.lead()
        if step == STEPS // 2:
            crds = str(REPOSITORY / "crds")
            plane.cluster.run("delete", "-f", crds, "--wait=true", timeout_s=90)
            plane.cluster.install_crds(REPOSITORY / "crds")
            for each in tenants:
                each.wanted = None

    for each in tenants:
        each.apply(paused=False, draft={"uri": "hf://org/draft"}, replicas=chance.choice((1, 2)))
    wait("all are settled", lambda: sum(each.settled() for each in tenants) == TENANTS, 180)
    assert "Traceback" not in plane.first.output()
    fresh: dict[str, Object] = {}
    for each in tenants:
        assert each.wanted is not None
        alike = repr(sorted(each.wanted.items(), key=repr))
        if alike not in fresh:
            alone = Tenant(plane.room())
            alone.apply(**each.wanted)
            wait("the fresh one is settled", alone.settled, 90)
            fresh[alike] = alone.world()
        ends_as(each, fresh[alike])
