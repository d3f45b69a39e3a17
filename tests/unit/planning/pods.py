"""Pods as the cluster's controllers make them, and their ReplicaSet."""

from __future__ import annotations

from tandem_runtime.contract import report as pair_report
from tandem_runtime.contract.report import LockFailure, PairReport
from tests.unit.planning.builders import Object, copied


def of_lock(controller: str, outcome: PairReport | LockFailure) -> Object:
    """A pod of a lock Job that ended with this termination message."""
    ended = {"exitCode": 0, "message": pair_report.render(outcome)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"lock-pod-of-{controller}",
            "ownerReferences": [{"kind": "Job", "uid": controller, "controller": True}],
        },
        "status": {
            "phase": "Succeeded",
            "containerStatuses": [{"name": "tandem-lock", "state": {"terminated": ended}}],
        },
    }


def replica_set(name: str, deployment: Object) -> Object:
    """What the controller of Deployments makes for a template."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": name, "ownerReferences": [controlled_by(deployment)]},
    }


def of_engine(name: str, owner: Object, template: Object, *, ready: bool) -> Object:
    """A pod of this template that runs."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": dict(template["metadata"]["labels"]),
            "annotations": dict(template["metadata"].get("annotations", {})),
            "ownerReferences": [controlled_by(owner)],
        },
        "spec": copied(template["spec"]),
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


def controlled_by(owner: Object) -> Object:
    """The reference of a controller's object to its owner."""
    return {"kind": owner["kind"], "uid": owner["metadata"]["uid"], "controller": True}
