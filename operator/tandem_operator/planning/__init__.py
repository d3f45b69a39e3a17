"""From what is, to what shall be done: pure, and the same snapshot gives the same plan.

`plan(snapshot)` is the way in. `reconcile` builds the snapshot from the store and carries the plan
out; the command line shows it.
"""

from tandem_operator.planning.decide import plan
from tandem_operator.planning.plan import Apply, Asked, Note, Plan, Poke, Reference, Remove
from tandem_operator.planning.snapshot import (
    Failure,
    Installation,
    MetricsView,
    ReplicaView,
    Snapshot,
    TuningView,
)

__all__ = [
    "Apply",
    "Asked",
    "Failure",
    "Installation",
    "MetricsView",
    "Note",
    "Plan",
    "Poke",
    "Reference",
    "Remove",
    "ReplicaView",
    "Snapshot",
    "TuningView",
    "plan",
]
