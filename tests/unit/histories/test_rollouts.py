"""Whatever is measured and whatever users do: one rollout at a time, few of them, the lock kept.

Each is the operator's own loops on a cluster in memory, with minutes shortened to seconds.
TANDEM_HISTORIES says how many are tried (12 by `make unit`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
from datetime import UTC, datetime

import pytest

from tandem_operator.engines.interface.rollout_times import RolloutTimes
from tandem_operator.planning import TuningView
from tandem_operator.planning.rollout.evidence import CanaryView, DecayView, RolloutEvidence
from tests.unit.histories import virtual_time
from tests.unit.histories.cluster import Cluster, Object
from tests.unit.histories.controllers import Controllers
from tests.unit.histories.history import RESOURCE
from tests.unit.histories.operators import leads
from tests.unit.planning import builders
from tests.unit.planning.builders import copied

HISTORIES = int(os.environ.get("TANDEM_HISTORIES", "6"))
ROOM = "one"
TIMES = RolloutTimes(
    remove_after=20,
    first_dwell=60,
    longest_dwell=960,
    worth_for=10,
    probe_after=400,
    canary_for=10,
    canary_deadline=60,
    restart_dwell=240,
)
PHASES = ("off", "off", "worth", "worth", "poor", "decay", "idle", "lost")
MOST_IN_A_LONGEST_DWELL = 12


class Rollouts:
    """One resource whose traffic is of one phase after the other."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.cluster = Cluster(self.chance)
        self.phase = "worth"
        self.since = datetime.fromtimestamp(0, UTC)
        self.steps: list[str] = []
        self.own: list[float] = []
        self.template: Object | None = None
        self.edited_s = 0.0
        self.tried = False
        self.rolled = 0

    async def run(self) -> None:
        self.cluster.namespaces[ROOM] = False
        tasks = [
            asyncio.create_task(Controllers(self.cluster).run()),
            asyncio.create_task(self._guard()),
        ]
        fields = {
            "tuning.offMode": "Redeploy",
            "tuning.onDecay": self.chance.choice(("Report", "Restart", "Redeploy")),
            "replicas": self.chance.choice((1, 2, 3)),
            "progressDeadlineSeconds": 60,
        }
        self._edit(fields)
        try:
            async with leads(self.cluster, self._view, TIMES):
                await asyncio.sleep(30)
                for _ in range(25):
                    self._something()
                    await asyncio.sleep(self.chance.choice((30, 90, 300)))
                self._turn("worth")
                self._edit({"paused": None, "tuning.offMode": "Redeploy", "replicas": 2})
                await asyncio.sleep(4 * TIMES.longest_dwell)
                before = self.cluster.writes
                await asyncio.sleep(TIMES.longest_dwell)
                assert self.cluster.writes == before, "a settled world is written to"
            for task in tasks:
                assert not task.done() or task.result() is None, "the guard saw something"
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)

    def _something(self) -> None:
        what = self.chance.choice((*PHASES, *PHASES, "edit", "scale", "pause", "pair"))
        self.steps.append(what)
        if what in PHASES:
            self._turn(what)
        elif what == "edit":
            self._edit({"tuning.offMode": self.chance.choice(("Idle", "Redeploy"))})
        elif what == "scale":
            self._edit({"replicas": self.chance.choice((1, 2, 3))})
        elif what == "pause":
            resource = self.cluster.objects[RESOURCE, ROOM, builders.NAME]
            self._edit({"paused": not resource["spec"].get("paused", False)})
        else:
            version = self.chance.choice(("v0.32.0", "v0.33.0"))
            self._edit({"engine.image": f"vllm/vllm-openai:{version}"})

    def _turn(self, phase: str) -> None:
        self.phase, self.since = phase, self._now()
        resource = self.cluster.objects[RESOURCE, ROOM, builders.NAME]
        self._tick(copied(resource))

    def _tick(self, body: Object) -> None:
        """An event, as the tuning loop's word that something is new."""
        body["metadata"].setdefault("annotations", {})["tick"] = str(self.cluster.serial)
        self.cluster.put(body)

    def _edit(self, changes: Object) -> None:
        resource = self.cluster.objects.get((RESOURCE, ROOM, builders.NAME))
        body = copied(resource) if resource is not None else builders.resource()
        if resource is None:
            del body["metadata"]["uid"], body["metadata"]["creationTimestamp"]
            body["metadata"]["namespace"] = ROOM
        for path, value in changes.items():
            builders.put(body["spec"], path, value)
        self.edited_s = self.cluster.clock.now_s()
        self._tick(body)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.cluster.clock.now_s(), UTC)

    def _deployment(self) -> Object | None:
        return self.cluster.objects.get(("Deployment", ROOM, builders.NAME))

    def _canaries(self) -> list[Object]:
        deployments = self.cluster.all_of("Deployment", ROOM)
        return [each for each in deployments if "canary" in each["metadata"]["name"]]

    def _view(self, key: object) -> TuningView | None:
        deployment = self._deployment()
        if deployment is None or not deployment.get("status", {}).get("readyReplicas"):
            return None
        lock = deployment["spec"]["template"]["metadata"]["labels"]["tandem.dev/lock"]
        ready = [each for each in self._canaries() if each.get("status", {}).get("readyReplicas")]
        canary = None
        if ready:
            rate = 0.1 if self.phase == "poor" else 0.8
            own = 0.03 if self.phase == "poor" else 0.01
            canary = CanaryView("canary", 60.0, 400.0, rate, own, 0.02)
        loaded = speculates(deployment)
        pays = self.phase in ("worth", "poor")
        evidence = RolloutEvidence(
            off_since=self.since if self.phase == "off" and loaded else None,
            off_reason="NotProfitable",
            batch=4.0,
            worth=3 if pays and not loaded else 0,
            worth_since=self.since if pays else None,
            canary=canary,
            decay=DecayView(self.since, 0.8, 0.6) if self.phase == "decay" and loaded else None,
        )
        view = builders.tuning(lock, rollout=evidence)
        if self.phase == "lost":
            lost = type(view.metrics)("False", "Unreachable", "nobody answers")
            return TuningView(**{**view.__dict__, "metrics": lost})
        return view

    async def _guard(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            deployment = self._deployment()
            if deployment is None:
                continue
            template = deployment["spec"]["template"]
            if self.template is not None and template != self.template:
                self._rolled()
            self.template = template
            self._see_one_at_a_time(deployment)

    def _rolled(self) -> None:
        now_s = self.cluster.clock.now_s()
        if now_s - self.edited_s < 10:
            return
        self.rolled += 1
        self.own = [at for at in self.own if now_s - at < TIMES.longest_dwell] + [now_s]
        assert len(self.own) <= MOST_IN_A_LONGEST_DWELL, self.steps

    def _see_one_at_a_time(self, deployment: Object) -> None:
        """While a canary stands, the others are all of one kind, unless the user changed them."""
        wanted = deployment["spec"]["replicas"]
        pods = [each for each in self.cluster.all_of("Pod", ROOM) if _is_engine(each)]
        calm = self.cluster.clock.now_s() - self.edited_s > 30
        assert not calm or len(pods) <= wanted + 1, f"{len(pods)} pods of {wanted}: {self.steps}"
        others = {
            json.dumps(each["spec"]["containers"][0].get("args"))
            for each in pods
            if "tandem.dev/canary" not in each["metadata"]["labels"]
        }
        if calm and self._canaries():
            self.tried = True
            assert len(others) <= 1, f"a rollout beside a canary: {self.steps}"

    def lock_of(self) -> str:
        deployment = self._deployment()
        assert deployment is not None
        lock: str = deployment["spec"]["template"]["metadata"]["labels"]["tandem.dev/lock"]
        return lock


def speculates(deployment: Object) -> bool:
    return "--speculative-config" in json.dumps(deployment["spec"]["template"])


def _is_engine(pod: Object) -> bool:
    labels: Object = pod["metadata"].get("labels") or {}
    return labels.get("tandem.dev/role") == "engine"


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_any_history_of_rollouts_comes_to_rest_with_its_draft(seed: int) -> None:
    history = Rollouts(seed)
    virtual_time.run(history.run())

    steps = "\n".join(history.steps)
    deployment = history._deployment()
    assert deployment is not None
    assert speculates(deployment), steps
    assert history._canaries() == [], steps
    locks = {
        each["metadata"]["labels"]["tandem.dev/lock"]
        for each in history.cluster.all_of("ControllerRevision", ROOM)
        if "tandem.dev/lock" in each["metadata"]["labels"]
    }
    assert history.lock_of() in locks, steps
    status = history.cluster.objects[RESOURCE, ROOM, builders.NAME]["status"]
    conditions = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    assert conditions["Ready"] == ("True", "Serving"), steps
    assert "Reconciling" not in conditions, steps
    assert "Stalled" not in conditions, steps
