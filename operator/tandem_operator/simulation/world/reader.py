"""Reads a table at each step with the plugin's own interpreter: a simulated engine is no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tandem_runtime.contract.table import Explore, Range, SpeculationTable
from tandem_runtime.plugin.depth.lookup import (
    PREFILL_TOKENS,
    START,
    State,
    carried_over,
    choose,
)
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of


class Reader:
    """The table of one simulated engine that was started with `depths`, and where it stands."""

    def __init__(self, depths: Sequence[int]) -> None:
        self._limits = Limits(max(depths), tuple(sorted({0, *depths})))
        self._plan: Plan | None = None
        self._state: State = START

    def take(
        self,
        schedule: Sequence[Range],
        prefill_schedule: Sequence[Range] | None,
        explore: Mapping[str, Any] | None,
    ) -> None:
        """Follow another table, as an engine does whose file was written again."""
        table = SpeculationTable(
            lock="",
            generation=1,
            schedule=tuple(Range(*span) for span in schedule),
            prefill_schedule=None
            if prefill_schedule is None
            else tuple(Range(*span) for span in prefill_schedule),
            explore=Explore(int(explore["every"]), int(explore["steps"]), tuple(explore["offsets"]))
            if explore
            else None,
        )
        plan = plan_of(table, self._limits)
        self._state = carried_over(self._state, self._plan, plan)
        self._plan = plan

    def tokens(self, batch: int, prefill: int) -> int:
        """K of the next step: `batch` requests decode, so many prompt tokens are expected."""
        if self._plan is None:
            return 0
        depth, self._state = choose(self._plan, self._state, batch, prefill >= PREFILL_TOKENS)
        return depth
