"""The table in force inside the model: the last that the actuator handed over."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from tandem_runtime.contract.table import SpeculationTable
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of
from tandem_runtime.triton.control import APPLY, RESTORE, Applied, Order


class ControlledTable:
    """A `TableSource` for the watcher. `take` is called in one thread, the rest in any."""

    def __init__(self, lock: str, limits: Limits) -> None:
        """`lock` is the pod's own; "" takes tables of any lock."""
        self.plan: Plan | None = None
        self.refused: Mapping[str, int] = {}
        self.clamped = 0
        self.message = ""
        self._lock = lock
        self._limits = limits
        self._instance = uuid.uuid4().hex
        self._reported: Plan | None = None

    def take(self, order: Order) -> Applied:
        """Do what the order says, whole or not at all; the answer says what is in force then."""
        self.refused = order.refused
        error = ""
        if order.act in (APPLY, RESTORE):
            error = self.message = self._objection(order)
            if not error:
                self._put(order.table)
        plan = self.plan
        return Applied(
            self._instance,
            plan.table if plan else None,
            plan.effective() if plan else (),
            error,
        )

    def poll(self, now_s: float) -> bool:
        """Whether another plan is in force than at the last call."""
        del now_s
        plan = self.plan
        changed = plan is not self._reported
        self._reported = plan
        return changed

    def _put(self, table: SpeculationTable | None) -> None:
        if table is None:
            self.plan = None
        elif self.plan is None or table != self.plan.table:
            made = plan_of(table, self._limits)
            self.clamped += made.clamped
            self.plan = made

    def _objection(self, order: Order) -> str:
        table, applied = order.table, self.plan.table if self.plan else None
        if table is None:
            return ""
        if self._lock and table.lock != self._lock:
            return f"the table is of lock {table.lock!r}; this engine has {self._lock!r}"
        if order.act == APPLY and table != applied and not table.supersedes(applied):
            return f"the table has generation {table.generation}; a newer table is in force"
        return ""
