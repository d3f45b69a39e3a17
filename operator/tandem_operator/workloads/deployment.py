"""The Deployment: replicas of one pod each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tandem_operator.api import names
from tandem_operator.workloads.base import Counts, Pods, Watched
from tandem_operator.workloads.pods import condition, controlled_by, is_over, staying, with_remedy

Object = dict[str, Any]

HISTORY = 3


class DeploymentWorkload:
    """A Deployment and its ReplicaSets."""

    api_version = "apps/v1"
    kind = "Deployment"
    watched = (
        Watched("apps", "v1", "deployments", "Deployment"),
        Watched("apps", "v1", "replicasets", "ReplicaSet"),
    )
    remedy = ""

    def name(self, resource: str) -> str:
        """The resource's own name."""
        return names.deployment(resource)

    def body(self, metadata: Object, pods: Pods) -> Object:
        """Replaces pods as `pods.rollout` says; new ones come first where it allows them."""
        rollout = pods.rollout
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": metadata,
            "spec": {
                "replicas": pods.replicas,
                "selector": {"matchLabels": pods.selector},
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {
                        "maxUnavailable": rollout.max_unavailable,
                        "maxSurge": rollout.max_surge,
                    },
                },
                "minReadySeconds": rollout.min_ready_s,
                "progressDeadlineSeconds": rollout.progress_deadline_s,
                "revisionHistoryLimit": HISTORY,
                "template": pods.template,
            },
        }

    def template(self, workload: Object) -> Object:
        """Its only template."""
        template_body: Object = workload["spec"]["template"]
        return template_body

    def read(self, workload: Object, objects: Sequence[Object]) -> Counts:
        """Its status, and what hinders it or one of its ReplicaSets from making pods."""
        status, metadata = workload.get("status", {}), workload["metadata"]
        progressing = condition(workload, "Progressing", "False") or {}
        late = progressing.get("reason") == "ProgressDeadlineExceeded"
        return Counts(
            observed=status.get("observedGeneration", 0) >= metadata.get("generation", 0),
            wanted=workload["spec"].get("replicas", 1),
            replicas=status.get("replicas", 0),
            ready=status.get("readyReplicas", 0),
            available=status.get("availableReplicas", 0),
            updated=status.get("updatedReplicas", 0),
            refused=_refused([workload, *_replica_sets(workload, objects)]),
            overdue=progressing.get("message", "") if late else None,
            held=_held(workload),
        )

    def pods(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """Those of its ReplicaSets."""
        members = staying(_replica_sets(workload, objects), objects)
        return [pod for pod in members if not is_over(pod)]

    def members(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """A replica is one pod."""
        return self.pods(workload, objects)

    def makers(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """None: its status says why a pod cannot be made."""
        return []

    def failed(self, workload: Object, objects: Sequence[Object]) -> list[Object]:
        """Those of ReplicaSets that still want any."""
        wanting = [
            each
            for each in _replica_sets(workload, objects)
            if each.get("spec", {}).get("replicas", 1) > 0
        ]
        return [
            pod
            for pod in staying(wanting, objects)
            if pod.get("status", {}).get("phase") == "Failed"
        ]


DEPLOYMENT = DeploymentWorkload()


def _replica_sets(deployment: Object, objects: Iterable[Object]) -> list[Object]:
    uid = deployment["metadata"]["uid"]
    return [
        each for each in objects if each.get("kind") == "ReplicaSet" and controlled_by(each, uid)
    ]


def _held(deployment: Object) -> str | None:
    if not deployment["spec"].get("paused"):
        return None
    name, namespace = deployment["metadata"]["name"], deployment["metadata"].get("namespace", "")
    return (
        f"somebody paused Deployment {name}: "
        f"kubectl rollout resume deployment/{name} -n {namespace}"
    )


def _refused(owners: Iterable[Object]) -> str | None:
    for owner in owners:
        failure = condition(owner, "ReplicaFailure", "True")
        if failure is not None:
            words = f"{failure.get('reason', 'FailedCreate')}: {failure.get('message', '')}"
            return with_remedy(words)
    return None
