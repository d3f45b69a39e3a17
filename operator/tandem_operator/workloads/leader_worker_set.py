"""The LeaderWorkerSet: replicas of several pods, of which the leader serves.

Its controller makes a StatefulSet of the leaders, and one of workers for each leader. None of them
carries a label of ours: they are found by who controls them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from tandem_operator.api import names
from tandem_operator.workloads.base import Counts, Pods, Watched
from tandem_operator.workloads.pods import controlled_by, is_over, staying

Object = dict[str, Any]

GROUP = "leaderworkerset.x-k8s.io"
VERSION = "v1"
PLURAL = "leaderworkersets"
LABEL_SET = "leaderworkerset.sigs.k8s.io/name"
OLDEST = "0.9"
"""The first release that says which generation its status is about, and that leaves a group alone
while a pod of it still prepares: an init container that fails is told, and not cut off."""
INSTALL = f"install LeaderWorkerSet {OLDEST} or later (https://lws.sigs.k8s.io/docs/installation)"


class LeaderWorkerSetWorkload:
    """A LeaderWorkerSet, its StatefulSets and their pods. A replica is one group."""

    api_version = f"{GROUP}/{VERSION}"
    kind = "LeaderWorkerSet"
    watched = (
        Watched(GROUP, VERSION, PLURAL, "LeaderWorkerSet", definition=(GROUP, VERSION, PLURAL)),
        Watched(
            "apps",
            "v1",
            "statefulsets",
            "StatefulSet",
            label=LABEL_SET,
            suffix=names.GROUP_SUFFIX,
            definition=(GROUP, VERSION, PLURAL),
        ),
    )
    remedy = f"; the operator needs LeaderWorkerSet {OLDEST} or later"

    def name(self, resource: str) -> str:
        """The resource's name with `-group`."""
        return names.group(resource)

    def body(self, metadata: Object, pods: Pods) -> Object:
        """Replaces whole groups as `pods.rollout` says. A group in which a container ends after all
        of it started begins anew: the ranks that are left would wait for the lost one forever."""
        if pods.workers is None:
            raise ValueError("a replica of one pod is no group")
        rollout = pods.rollout
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": metadata,
            "spec": {
                "replicas": pods.replicas,
                "startupPolicy": "LeaderCreated",
                "rolloutStrategy": {
                    "type": "RollingUpdate",
                    "rollingUpdateConfiguration": {
                        "maxUnavailable": rollout.max_unavailable,
                        "maxSurge": rollout.max_surge,
                    },
                },
                "leaderWorkerTemplate": {
                    "size": pods.workers.count + 1,
                    "restartPolicy": "RecreateGroupAfterStart",
                    "leaderTemplate": pods.template,
                    "workerTemplate": pods.workers.template,
                },
            },
        }

    def template(self, workload: Object) -> Object:
        """The leader's."""
        template_body: Object = workload["spec"]["leaderWorkerTemplate"]["leaderTemplate"]
        return template_body

    def read(self, workload: Object, objects: Sequence[Object]) -> Counts:
        """Its status, which counts groups; one is ready when all its pods are."""
        status, metadata = workload.get("status") or {}, workload["metadata"]
        ready = status.get("readyReplicas", 0)
        return Counts(
            observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
            wanted=workload["spec"].get("replicas", 1),
            replicas=status.get("replicas", 0),
            ready=ready,
            available=ready,
            updated=status.get("updatedReplicas", 0),
            refused=None,
            overdue=None,
            progress=_progress(workload, self.members(workload, objects)),
        )

    def pods(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """The leaders."""
        return [pod for pod in staying(_of_leaders(workload, objects), objects) if not is_over(pod)]

    def members(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """Leaders and workers."""
        return [pod for pod in _all(workload, objects) if not is_over(pod)]

    def makers(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """The StatefulSets that lack pods; the set itself where it has not made one."""
        leaders = _of_leaders(workload, objects)
        if not leaders:
            return [workload]
        return [each for each in (*leaders, *_of_workers(workload, objects)) if _lacks_pods(each)]

    def failed(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """Those of StatefulSets, which replace each."""
        return [
            pod
            for pod in _all(workload, objects)
            if (pod.get("status") or {}).get("phase") == "Failed"
        ]


LEADER_WORKER_SET = LeaderWorkerSetWorkload()


def _sets(uids: Iterable[str], objects: Iterable[Object]) -> list[Object]:
    owners = set(uids)
    return [
        each
        for each in objects
        if each.get("kind") == "StatefulSet" and any(controlled_by(each, uid) for uid in owners)
    ]


def _of_leaders(workload: Object, objects: Sequence[Object]) -> list[Object]:
    return _sets((workload["metadata"]["uid"],), objects)


def _of_workers(workload: Object, objects: Sequence[Object]) -> list[Object]:
    leaders = staying(_of_leaders(workload, objects), objects)
    return _sets((pod["metadata"]["uid"] for pod in leaders), objects)


def _all(workload: Object, objects: Sequence[Object]) -> list[Object]:
    return staying((*_of_leaders(workload, objects), *_of_workers(workload, objects)), objects)


def _lacks_pods(workload: Object) -> bool:
    wanted: int = workload["spec"].get("replicas", 1)
    made: int = (workload.get("status") or {}).get("replicas", 0)
    return made < wanted


def _progress(workload: Object, pods: Iterable[Object]) -> datetime:
    """The newest of: the set was made, a condition of it changed, a pod became ready.

    A pod that is made anew again and again is none: a group that cannot start is.
    """
    times = [
        str(workload["metadata"]["creationTimestamp"]),
        *_changes(workload),
        *(time for pod in pods for time in _changes(pod, "Ready", "True")),
    ]
    return datetime.fromisoformat(max(times))


def _changes(workload: Object, kind: str | None = None, status: str | None = None) -> list[str]:
    conditions: list[Object] = (workload.get("status") or {}).get("conditions") or []
    return [
        str(each["lastTransitionTime"])
        for each in conditions
        if kind in (None, each["type"])
        and status in (None, each["status"])
        and each.get("lastTransitionTime")
    ]
