"""A world with the controllers of LeaderWorkerSets and StatefulSets in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tandem_operator.planning import Snapshot
from tests.unit.planning import builders, pods
from tests.unit.planning.builders import Object, stamp
from tests.unit.planning.world import World

NAME = f"{builders.NAME}-group"
SETS = ("Deployment", "LeaderWorkerSet")
GROUP: Object = {
    "parallelism.tensor": 2,
    "parallelism.pipeline": 2,
    "speculation.constrainedOutput": "Allow",
    "tuning.mode": "Fixed",
}
"""A replica of two pods with two devices each."""
ALONE: Object = {**GROUP, "accelerator.count": 4}
"""The same in one pod."""


class GroupWorld(World):
    """As a World; `roll_out` is for whichever workloads stand."""

    def __init__(self, resource: Object | None = None) -> None:
        super().__init__(resource)
        self.unserved: Mapping[str, str] = {}

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), unserved=dict(self.unserved))

    def workloads(self) -> list[Object]:
        return [raw for kind in SETS for raw in self.all_of(kind)]

    def ready(self) -> int:
        """Replicas that serve, as the workloads count them."""
        return sum(each["status"]["readyReplicas"] for each in self.workloads() if "status" in each)

    def roll_out(self, ready: int | None = None, ready_groups: int | None = None) -> None:
        """Every workload has the pods of its template, so many of them ready."""
        if ("Deployment", builders.NAME) in self.objects:
            super().roll_out(ready)
        existing = self.objects.get(("LeaderWorkerSet", NAME))
        if existing is None:
            return
        wanted = existing["spec"]["replicas"]
        some = ready if ready_groups is None else ready_groups
        ready = wanted if some is None else min(some, wanted)
        self._clear()
        self.make_leaders(wanted, ready)
        now = stamp(self.now)
        existing["status"] = {
            "observedGeneration": existing["metadata"]["generation"],
            "replicas": wanted,
            "updatedReplicas": wanted,
            "readyReplicas": ready,
            "conditions": [
                {"type": "Available", "status": "True", "lastTransitionTime": now}
                if ready == wanted
                else {"type": "Progressing", "status": "True", "lastTransitionTime": now}
            ],
        }

    def make_leaders(self, number: int, ready: int = 0) -> None:
        """The StatefulSet of the leaders, so many of them, and the workers of each."""
        existing = self.objects["LeaderWorkerSet", NAME]
        templates = existing["spec"]["leaderWorkerTemplate"]
        leaders = self._set(NAME, existing, existing["spec"]["replicas"], number)
        for index in range(number):
            leader = self._pod(f"{NAME}-{index}", leaders, templates["leaderTemplate"])
            if index < ready:
                self._says_ready(leader)
            count = templates["size"] - 1
            workers = self._set(f"{NAME}-{index}", leader, count, count)
            for place in range(1, count + 1):
                name = f"{NAME}-{index}-{place}"
                self._says_ready(self._pod(name, workers, templates["workerTemplate"]))

    def _set(self, name: str, owner: Object, wanted: int, made: int) -> Object:
        return self.add(
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": {"name": name, "ownerReferences": [pods.controlled_by(owner)]},
                "spec": {"replicas": wanted},
                "status": {"replicas": made},
            }
        )

    def _pod(self, name: str, owner: Object, template: Object) -> Object:
        return self.add(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "labels": dict(template["metadata"]["labels"]),
                    "ownerReferences": [pods.controlled_by(owner)],
                },
                "spec": template["spec"],
                "status": {"phase": "Running", "conditions": []},
            }
        )

    def _says_ready(self, pod: Object) -> None:
        now = stamp(self.now)
        pod["status"]["conditions"] = [
            {"type": "Ready", "status": "True", "lastTransitionTime": now}
        ]

    def _clear(self) -> None:
        for kind, name in tuple(self.objects):
            if kind in ("StatefulSet", "Pod") and name.startswith(f"{NAME}"):
                del self.objects[kind, name]
