"""Histories by seed: what users, tenants and administrators do to resources, in any order."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import dataclass, field
from typing import Any

from tandem_operator.cluster.kinds import CHILDREN
from tests.unit.histories.cluster import Cluster, Object
from tests.unit.histories.controllers import BAD, Controllers
from tests.unit.histories.operators import leads
from tests.unit.planning import builders, kstatus
from tests.unit.planning.builders import copied

RESOURCE = "SpeculativeDeployment"
GOOD = "hf://org/draft"
ROOMS = ("one", "two", "three")
STEPS = 14
SETTLED_S = 240.0
"""Longer than any backoff, rest or Job is kept."""
PAIRS = (
    {"draft.uri": GOOD, "engine.image": "vllm/vllm-openai:v0.32.0"},
    {"draft.uri": GOOD, "engine.image": "vllm/vllm-openai:v0.33.0"},
    {"draft.uri": GOOD, "engine.args": ["--max-model-len=4096"]},
)


@dataclass
class Room:
    """One namespace with one resource, and how many of its pods were ready at least."""

    namespace: str
    wanted: Object | None = None
    serves: int = 0
    uid: str = ""


@dataclass
class Seen:
    """What must never be: versions that were Current too early, and pods that were lost."""

    early: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


class Watched(Cluster):
    """Reads every version of every resource as kstatus does, at the moment when it is written."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__(chance)
        self.seen = Seen()

    def put(self, body: Object) -> Object:
        made = super().put(body)
        if body["kind"] == RESOURCE and kstatus.current(made):
            namespace = made["metadata"]["namespace"]
            objects = [raw for place, raw in self.objects.items() if place[1] == namespace]
            if not kstatus.done(made, objects):
                self.seen.early.append(f"{namespace} at {made['metadata']['resourceVersion']}")
        return made


class History:
    """One operator, three tenants, and everything that can happen to them."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.cluster = Watched(self.chance)
        self.rooms = [Room(name) for name in ROOMS]
        self.steps: list[str] = []

    async def run(self) -> None:
        for room in self.rooms:
            self.cluster.namespaces[room.namespace] = False
        controllers = asyncio.create_task(Controllers(self.cluster).run())
        guard = asyncio.create_task(self._guard())
        try:
            left = STEPS
            while left > 0:
                lives = self.chance.randint(3, STEPS)
                async with leads(self.cluster):
                    for _ in range(min(lives, left)):
                        self._something()
                        await asyncio.sleep(self.chance.choice((0.0, 0.1, 1.0, 5.0, 30.0)))
                left -= lives
            self._mend()
            async with leads(self.cluster):
                await asyncio.sleep(SETTLED_S)
                before = self.cluster.writes
                await asyncio.sleep(SETTLED_S)
                assert self.cluster.writes == before, "a settled world is written to"
        finally:
            for task in (controllers, guard):
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    # What happens.

    def _something(self) -> None:
        room = self.chance.choice(self.rooms)
        what = self.chance.choice(
            [self._pair] * 4
            + [self._bad_pair, self._scale, self._scale, self._pause, self._delete]
            + [self._leave, self._webhook, self._webhook]
            + [self._definition, self._cut, self._cut, self._forget]
        )
        self.steps.append(f"{room.namespace}: {what.__name__}")
        what(room)

    def _pair(self, room: Room) -> None:
        self._edit(room, self.chance.choice(PAIRS))

    def _bad_pair(self, room: Room) -> None:
        self._edit(room, {"draft.uri": BAD})

    def _scale(self, room: Room) -> None:
        self._edit(room, {"replicas": self.chance.choice((0, 1, 2, 3))})

    def _pause(self, room: Room) -> None:
        paused = (room.wanted or {}).get("paused", False)
        self._edit(room, {"paused": not paused})

    def _delete(self, room: Room) -> None:
        room.wanted, room.serves = None, 0
        place = (RESOURCE, room.namespace, builders.NAME)
        if place in self.cluster.objects:
            self.cluster.remove(place)

    def _leave(self, room: Room) -> None:
        if room.namespace in self.cluster.namespaces:
            room.wanted, room.serves = None, 0
            self.cluster.namespaces[room.namespace] = True

    def _webhook(self, room: Room) -> None:
        served = [kind.kind for kind in CHILDREN if kind.definition is None]
        kind = self.chance.choice(served)
        self.cluster.webhook_down ^= {(room.namespace, kind)}

    def _definition(self, room: Room) -> None:
        self.cluster.defined = not self.cluster.defined
        if self.cluster.defined:
            return
        for each in self.rooms:
            each.wanted, each.serves = None, 0
        for place in [place for place in self.cluster.objects if place[0] == RESOURCE]:
            self.cluster.remove(place)

    def _cut(self, room: Room) -> None:
        self.cluster.cut_streams()

    def _forget(self, room: Room) -> None:
        self.cluster.forget_history()

    def _edit(self, room: Room, changes: Object) -> None:
        """Change the resource, or make it where there is none; as an apply does."""
        if not self.cluster.defined or self.cluster.namespaces.get(room.namespace, True):
            return
        spec = room.wanted if room.wanted is not None else copied(builders.PAIR)
        for path, value in changes.items():
            builders.put(spec, path, value)
        room.wanted = spec
        self._apply(room)

    def _apply(self, room: Room) -> None:
        existing = self.cluster.objects.get((RESOURCE, room.namespace, builders.NAME))
        body = copied(existing) if existing is not None else builders.resource()
        if existing is None:
            del body["metadata"]["uid"], body["metadata"]["creationTimestamp"]
            body["metadata"]["namespace"] = room.namespace
        body["spec"] = copied(room.wanted)
        self.cluster.put(body)

    def _mend(self) -> None:
        """Everything works again, and each resource has a last spec."""
        self.cluster.webhook_down.clear()
        self.cluster.defined = True
        for room in self.rooms:
            if self.cluster.namespaces.get(room.namespace, True):
                continue
            self._edit(room, {**self.chance.choice(PAIRS), "paused": None})

    # What must hold meanwhile.

    async def _guard(self) -> None:
        """A pod that serves goes only for one that is ready, or because the user said so."""
        seen = 0
        while True:
            if self.cluster.serial != seen:
                seen = self.cluster.serial
                for room in self.rooms:
                    self._count(room)
            await asyncio.sleep(0.25)

    def _count(self, room: Room) -> None:
        existing = self.cluster.objects.get((RESOURCE, room.namespace, builders.NAME))
        if existing is None or self.cluster.namespaces.get(room.namespace, True):
            room.serves = 0
            return
        if existing["metadata"]["uid"] != room.uid:
            room.uid, room.serves = existing["metadata"]["uid"], 0
        ready = sum(
            any(
                (each["type"], each["status"]) == ("Ready", "True")
                for each in pod.get("status", {}).get("conditions") or ()
            )
            for pod in self.cluster.all_of("Pod", room.namespace)
            if any(
                self._controls(existing["metadata"]["uid"], owner["uid"], room.namespace)
                for owner in pod["metadata"].get("ownerReferences") or ()
            )
        )
        least = min(room.serves, existing["spec"].get("replicas", 1))
        deployment = self.cluster.objects.get(("Deployment", room.namespace, builders.NAME))
        if deployment is not None:
            least = min(least, deployment["spec"]["replicas"])
        if ready < least:
            self.cluster.seen.lost.append(f"{room.namespace}: {ready} of {least} are ready")
        room.serves = ready

    def _controls(self, resource: str, replica_set: str, namespace: str) -> bool:
        for each in self.cluster.all_of("ReplicaSet", namespace):
            if each["metadata"]["uid"] == replica_set:
                owner = each["metadata"]["ownerReferences"][0]["uid"]
                return any(
                    deployment["metadata"]["uid"] == owner
                    and deployment["metadata"]["ownerReferences"][0]["uid"] == resource
                    for deployment in self.cluster.all_of("Deployment", namespace)
                )
        return False

    # How it ends.

    def world(self, room: Room) -> dict[str, Any]:
        """What stands for the resource's present spec, without names and times of the history."""
        objects = {
            (place[0], place[2]): each
            for place, each in self.cluster.objects.items()
            if place[1] == room.namespace
        }
        resource = objects.get((RESOURCE, builders.NAME))
        if resource is None:
            return {}
        status = resource["status"]
        deployment = objects[("Deployment", builders.NAME)]
        lock = deployment["spec"]["template"]["metadata"]["labels"]["tandem.dev/lock"]
        return {
            "deployment": deployment["spec"],
            "service": objects[("Service", builders.NAME)]["spec"],
            "budget": objects.get(("PodDisruptionBudget", builders.NAME), {}).get("spec"),
            "tables": sorted(
                name for kind, name in objects if kind == "ConfigMap" and "speculation" in name
            ),
            "lock": lock,
            "conditions": [
                (each["type"], each["status"], each["reason"])
                for each in status["conditions"]
                # It stays as it is while nothing is measured, so it tells of the past.
                if each["type"] != "SpeculationActive"
            ],
            "pair": {**status["pair"], "lockedAt": None},
            "candidate": status.get("candidate"),
            "counts": [status.get(name) for name in ("replicas", "readyReplicas")],
            "observed": status["observedGeneration"] == resource["metadata"]["generation"],
            "pods": len(self.cluster.all_of("Pod", room.namespace))
            - sum(1 for kind, name in objects if kind == "Pod" and "-lock-" in name),
        }


def fresh(spec: Object) -> History:
    """A history of one apply, of which `world` is what any other shall end like."""
    made = History(0)
    made.rooms[0].wanted = copied(spec)
    return made


async def settle(history: History) -> None:
    """Nothing happens but that the one resource is applied."""
    room = history.rooms[0]
    history.cluster.namespaces[room.namespace] = False
    controllers = asyncio.create_task(Controllers(history.cluster).run())
    history._apply(room)
    async with leads(history.cluster):
        await asyncio.sleep(SETTLED_S)
    controllers.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await controllers
