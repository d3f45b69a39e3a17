"""From what is, to what shall be done: pure, and the same snapshot gives the same plan.

`plan(snapshot)` is the way in. `reconcile` builds the snapshot from the store and carries the plan
out; the command line shows it.
"""

from tandem_operator.engines.interface.installation import Installation
from tandem_operator.planning.plan import (
    Apply,
    Asked,
    EventRecord,
    Plan,
    PodAnnotation,
    Reference,
    Remove,
)
from tandem_operator.planning.planner import plan
from tandem_operator.planning.snapshot import (
    Failure,
    MetricsView,
    ReplicaView,
    Snapshot,
    TuningView,
)

__all__ = [
    "Apply",
    "Asked",
    "EventRecord",
    "Failure",
    "Installation",
    "MetricsView",
    "Plan",
    "PodAnnotation",
    "Reference",
    "Remove",
    "ReplicaView",
    "Snapshot",
    "TuningView",
    "plan",
]
