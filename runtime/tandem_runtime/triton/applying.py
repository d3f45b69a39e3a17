"""Keeps the table of the file in force in an engine that is reached by orders.

Pure but for the file's reading and the channel: the clock is handed in.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from tandem_runtime.contract.table import SpeculationTable
from tandem_runtime.plugin.table.plan import Plan
from tandem_runtime.plugin.table.table_loader import TableLoader
from tandem_runtime.triton.control import APPLY, RESTORE, Applied, Order

READ_BACK_S = 1.0
"""How often what is in force is read back while nothing is new: a restarted engine has no table."""
REFUSED_BY_ENGINE = "engine"
NOT_READ_BACK = "readback"

_log = logging.getLogger("tandem.actuator")


class ChannelError(Exception):
    """The engine did not answer, or not with what is in force."""


class Channel(Protocol):
    """The way to the engine."""

    async def order(self, order: Order) -> Applied:
        """What is in force after the order. Raises ChannelError."""
        ...


class Actuator:
    """What was read, what was last seen in force, and what the engine would not take."""

    def __init__(
        self,
        loader: TableLoader,
        channel: Channel,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refused: Counter[str] = Counter()
        self._loader = loader
        self._channel = channel
        self._clock = clock
        self._seen: Applied | None = None
        self._good: SpeculationTable | None = None
        self._given_up: tuple[str, SpeculationTable] | None = None
        self._due_s = float("-inf")
        self._silence = ""

    async def step(self) -> None:
        """Poll the file, and bring the engine to it where it is not there yet."""
        now_s = self._clock()
        before = self._loader.message
        fresh = self._loader.poll(now_s)
        if fresh:
            self._due_s = now_s
        if self._loader.message not in ("", before):
            _log.warning("tandem: table refused: %s", self._loader.message)
        if now_s < self._due_s:
            return
        try:
            # What was last seen in force is good enough to go back to: a new table does not wait.
            current = self._seen if fresh else None
            self._seen = await self._apply(current or await self._order(Order()))
        except ChannelError as error:
            self._seen = None
            # Nothing is known to have changed: what is due stays due.
            if str(error) != self._silence:
                self._silence = str(error)
                _log.warning("tandem: the engine does not answer: %s", error)
            return
        self._due_s = now_s + READ_BACK_S
        self._silence = ""

    async def _apply(self, before: Applied) -> Applied:
        """What is in force in the end; `before` is what was."""
        plan = self._loader.plan
        if plan is None or (before.instance, plan.table) == self._given_up:
            return before
        if before.shows(plan):
            self._good = plan.table
            return before
        answer = await self._order(Order(APPLY, plan.table))
        after = await self._order(Order())
        if after.shows(plan):
            self._good = plan.table
            _log.info("tandem: table in force: %s", plan.table)
            return after
        self._give_up(plan, answer, after)
        back = before.table or self._good
        return after if after.table == back else await self._order(Order(RESTORE, back))

    def _give_up(self, plan: Plan, answer: Applied, after: Applied) -> None:
        """Not again for this table in this process of the engine; a restarted one is asked
        again."""
        self._given_up = (after.instance, plan.table)
        self.refused[REFUSED_BY_ENGINE if answer.error else NOT_READ_BACK] += 1
        why = answer.error or f"{after} is in force instead of {plan.effective()}"
        _log.warning("tandem: generation %d is not applied: %s", plan.table.generation, why)

    async def _order(self, order: Order) -> Applied:
        counts = {**self._loader.refused, **self.refused}
        return await self._channel.order(replace(order, refused=counts))
