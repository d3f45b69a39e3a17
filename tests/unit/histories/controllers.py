"""What runs beside the operator: garbage collection, Jobs, Deployments, and the kubelet's words."""

from __future__ import annotations

import asyncio
import json
import zlib

from tandem_runtime.contract import report as pair_report
from tests.unit.histories.cluster import Cluster, Object
from tests.unit.planning import builders
from tests.unit.planning.builders import copied

BAD = "hf://org/bad"
STEP_S = 0.5
LOCK_S = 2.0
START_S = 2.0


class Controllers:
    """One step of all of them every half a second."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._since: dict[str, float] = {}

    async def run(self) -> None:
        seen = 0
        while True:
            if self._cluster.serial != seen or self._waits():
                seen = self._cluster.serial
                self.step()
            await asyncio.sleep(STEP_S)

    def _waits(self) -> bool:
        """Whether time alone will bring something about."""
        jobs = any("status" not in job for job in self._cluster.all_of("Job"))
        leaving = any(self._cluster.namespaces.values())
        return jobs or leaving or not all(map(_ready, self._cluster.all_of("Pod")))

    def step(self) -> None:
        self._collect()
        for namespace, leaving in tuple(self._cluster.namespaces.items()):
            if leaving:
                self._empty(namespace)
        for job in self._cluster.all_of("Job"):
            self._job(job)
        for deployment in self._cluster.all_of("Deployment"):
            self._deployment(deployment)

    def _collect(self) -> None:
        uids = {raw["metadata"]["uid"] for raw in self._cluster.objects.values()}
        for place, raw in tuple(self._cluster.objects.items()):
            owners = raw["metadata"].get("ownerReferences") or []
            if owners and not any(owner["uid"] in uids for owner in owners):
                self._cluster.remove(place)

    def _empty(self, namespace: str) -> None:
        """A namespace goes one object a step, in no order that anybody promised."""
        places = [place for place in self._cluster.objects if place[1] == namespace]
        for place in self._cluster.chance.sample(places, min(3, len(places))):
            self._cluster.remove(place)
        if not places:
            del self._cluster.namespaces[namespace]

    def _job(self, job: Object) -> None:
        metadata = job["metadata"]
        pods = self._owned("Pod", metadata)
        if not pods:
            labels = job["spec"]["template"]["metadata"]["labels"]
            self._make("Pod", f"{metadata['name']}-pod", job, labels, {"phase": "Pending"})
        elif "status" not in job and self._age_s(pods[0]) > LOCK_S:
            draft = BAD if BAD in json.dumps(job["spec"]) else "hf://org/draft"
            report = builders.good(
                draft=builders.side(draft, parameters=1_000_000, weight_bytes=2_000_000)
            )
            outcome = builders.wrong() if draft == BAD else report
            ended = {"exitCode": 0, "message": pair_report.render(outcome)}
            state = {"name": "tandem-lock", "state": {"terminated": ended}}
            self._status(pods[0], {"phase": "Succeeded", "containerStatuses": [state]})
            done = {"type": "Complete", "status": "True", "lastTransitionTime": self._cluster.now()}
            self._status(job, {"conditions": [done]})

    def _deployment(self, deployment: Object) -> None:
        """maxSurge 1, maxUnavailable 0."""
        metadata, spec = deployment["metadata"], deployment["spec"]
        digest = zlib.crc32(json.dumps(spec["template"], sort_keys=True).encode())
        name = f"{metadata['name']}-{digest:08x}"
        sets = {each["metadata"]["name"]: each for each in self._owned("ReplicaSet", metadata)}
        labels = spec["template"]["metadata"]["labels"]
        newest = sets.get(name) or self._make("ReplicaSet", name, deployment, labels, {})
        new = self._owned("Pod", newest["metadata"])
        old = [
            pod
            for each in sets.values()
            if each["metadata"]["name"] != name
            for pod in self._owned("Pod", each["metadata"])
        ]
        wanted = spec["replicas"]
        for pod in new:
            if not _ready(pod) and self._age_s(pod) > START_S:
                ready = [{"type": "Ready", "status": "True"}]
                self._status(pod, {"phase": "Running", "conditions": ready})
        new = self._owned("Pod", newest["metadata"])
        for _ in range(max(0, min(wanted - len(new), wanted + 1 - len(new) - len(old)))):
            serial = self._cluster.chance.getrandbits(32)
            made = self._make("Pod", f"{name}-{serial:08x}", newest, labels, {"phase": "Pending"})
            made["spec"] = copied(spec["template"]["spec"])
            self._cluster.put(made)
        for pod in sorted(new, key=_ready)[: max(0, len(new) - wanted)]:
            self._drop(pod)
        spare = sum(map(_ready, (*new, *old))) - wanted
        for pod in sorted(old, key=_ready):
            if not _ready(pod) or spare > 0:
                spare -= int(_ready(pod))
                self._drop(pod)
        self._tell(deployment, newest, sets)

    def _tell(self, deployment: Object, newest: Object, sets: dict[str, Object]) -> None:
        new = self._owned("Pod", newest["metadata"])
        old = [
            pod
            for each in sets.values()
            if each["metadata"]["uid"] != newest["metadata"]["uid"]
            for pod in self._owned("Pod", each["metadata"])
        ]
        ready = sum(map(_ready, (*new, *old)))
        self._status(
            deployment,
            {
                "observedGeneration": deployment["metadata"]["generation"],
                "replicas": len(new) + len(old),
                "updatedReplicas": len(new),
                "readyReplicas": ready,
                "availableReplicas": ready,
            },
        )

    def _make(self, kind: str, name: str, owner: Object, labels: Object, status: Object) -> Object:
        metadata = owner["metadata"]
        reference = {"kind": owner["kind"], "uid": metadata["uid"], "controller": True}
        made = self._cluster.put(
            {
                "apiVersion": "v1" if kind == "Pod" else "apps/v1",
                "kind": kind,
                "metadata": {
                    "name": name,
                    "namespace": metadata["namespace"],
                    "labels": dict(labels),
                    "ownerReferences": [reference],
                },
                "status": status,
            }
        )
        self._since[made["metadata"]["uid"]] = self._cluster.clock.now_s()
        return made

    def _age_s(self, raw: Object) -> float:
        return self._cluster.clock.now_s() - self._since[raw["metadata"]["uid"]]

    def _owned(self, kind: str, owner: Object) -> list[Object]:
        return [
            raw
            for raw in self._cluster.all_of(kind, owner["namespace"])
            if any(
                each["uid"] == owner["uid"] for each in raw["metadata"].get("ownerReferences") or ()
            )
        ]

    def _status(self, raw: Object, status: Object) -> None:
        place = (raw["kind"], raw["metadata"]["namespace"], raw["metadata"]["name"])
        now = self._cluster.objects.get(place)
        if now is not None and now.get("status") != status:
            self._cluster.put({**copied(now), "status": status})

    def _drop(self, pod: Object) -> None:
        self._cluster.remove(("Pod", pod["metadata"]["namespace"], pod["metadata"]["name"]))


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)
