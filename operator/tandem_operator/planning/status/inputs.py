"""Everything that has been found out about one resource, for whoever tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tandem_operator.api.status import LiveMode
from tandem_operator.planning.children.placement import ChildPlan
from tandem_operator.planning.children.revisions.revision import Revision
from tandem_operator.planning.lock.steps import Accepted, Step
from tandem_operator.planning.resource import Resource
from tandem_operator.planning.rollout.form import PodForm
from tandem_operator.planning.snapshot import TuningView
from tandem_operator.planning.workload import Workload
from tandem_runtime.contract.table import SpeculationTable


@dataclass(frozen=True)
class StatusInputs:
    """``current`` is the revision that children are made from, ``serving`` the one whose pods are
    ready (None: none yet, or none that is still kept). ``table`` is the one that stands.
    ``plugin_reports``: the engine's page has the plugin's series, if its plugin was loaded.
    ``failing`` tells of writes that fail again and again although nothing is refused for good,
    ``change_pending`` that the pods would change if the resource were not paused. ``form`` is what
    the pods of ``current`` run."""

    resource: Resource
    now: datetime
    step: Step
    current: Revision | None
    serving: Revision | None
    workload: Workload
    child_plan: ChildPlan
    table: SpeculationTable | None
    tuning: TuningView | None
    live_mode: LiveMode
    status_written_at: datetime | None
    plugin_reports: bool
    failing: tuple[str, ...]
    change_pending: bool
    form: PodForm | None

    @property
    def stored(self) -> bool:
        """Whether children are made from the present input: locked, and kept as a revision."""
        step, current = self.step, self.current
        return (
            isinstance(step, Accepted)
            and current is not None
            and current.input_hash == step.revision.input_hash
        )

    @property
    def rolled_out(self) -> bool:
        """Whether pods of the present input are all there is, as far as anybody can see."""
        return (
            self.stored
            and self.workload.rolled_out
            and not self.child_plan.writes_workload
            and not self.change_pending
            and not self._is_short
        )

    @property
    def _is_short(self) -> bool:
        """Whether a replica that made room for a canary is missed: the canary leaves, too."""
        form, replicas = self.form, self.resource.spec.replicas
        return form is not None and form.canary_body is None and form.replicas < replicas
