"""Every kind of workload that the operator makes."""

from __future__ import annotations

from tandem_operator.workloads.base import Workers, WorkloadKind
from tandem_operator.workloads.deployment import DEPLOYMENT
from tandem_operator.workloads.leader_worker_set import LEADER_WORKER_SET

ALL: tuple[WorkloadKind, ...] = (DEPLOYMENT, LEADER_WORKER_SET)
KINDS = {each.kind: each for each in ALL}


def of(workers: Workers | None) -> WorkloadKind:
    """The kind that runs such replicas."""
    return DEPLOYMENT if workers is None else LEADER_WORKER_SET
