"""Every kind of workload that the operator makes."""

from __future__ import annotations

from tandem_operator.workloads.base import WorkloadKind
from tandem_operator.workloads.deployment import DEPLOYMENT

ALL: tuple[WorkloadKind, ...] = (DEPLOYMENT,)
KINDS = {each.kind: each for each in ALL}
