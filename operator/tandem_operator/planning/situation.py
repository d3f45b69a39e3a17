"""Everything that has been found out about one resource, for whoever tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tandem_operator.api.status import LiveMode
from tandem_operator.planning.children import Placed
from tandem_operator.planning.locking import Step
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.revision import Revision
from tandem_operator.planning.snapshot import TuningView
from tandem_operator.planning.workload import Workload
from tandem_runtime.contract.table import SpeculationTable


@dataclass(frozen=True)
class Situation:
    """``current`` is the revision that children are made from, ``serving`` the one whose pods are
    ready (None: none yet, or none that is still kept). ``table`` is the one that stands."""

    resource: Resource
    now: datetime
    step: Step
    current: Revision | None
    serving: Revision | None
    workload: Workload
    placed: Placed
    table: SpeculationTable | None
    tuning: TuningView | None
    live_mode: LiveMode
    told_at: datetime | None

    @property
    def rolled_out(self) -> bool:
        """Whether pods of the current revision are all there is, as far as anybody can see."""
        return self.workload.rolled_out and not self.placed.writes("Deployment")
