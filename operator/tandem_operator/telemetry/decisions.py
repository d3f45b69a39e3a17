"""Tells of the tables that come into force: an audit line each, and how long a decision took.

The reconciler calls it after each reconciliation. The line goes to the logger
`tandem_operator.audit`; `tandem explain` prints the fuller records that the tuner keeps with its
state.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime

from tandem_operator.planning import TuningView
from tandem_operator.telemetry.logs import fields
from tandem_operator.telemetry.metrics import Metrics
from tandem_runtime.contract.table import SpeculationTable

AUDIT = logging.getLogger("tandem_operator.audit")

Key = tuple[str, str]
"""Namespace and name of a resource."""


@dataclass(frozen=True)
class _Followed:
    lock: str
    generation: int
    decided_at: datetime
    waits: bool = False


class Decisions:
    """Follows one table a resource, that of the lock which is tuned."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._followed: dict[Key, _Followed] = {}

    def see(self, key: Key, table: SpeculationTable, view: TuningView, now: datetime) -> None:
        """The table that stands after a reconciliation, and what that knew of the tuner.

        The first table of a lock that this process sees is where it begins: nothing is told of it.
        A new table counts as a decision's when the decision came after the one before; otherwise
        the spec made it, and it has no lag.
        """
        followed = self._followed.get(key)
        if followed is None or followed.lock != table.lock:
            self._followed[key] = _Followed(table.lock, table.generation, view.decided_at)
            return
        if table.generation > followed.generation:
            decided = view.decided_at > followed.decided_at
            _audit(key, table, view)
            if decided:
                self._lag("written", view, now)
            followed = replace(followed, generation=table.generation, waits=decided)
        followed = replace(followed, decided_at=view.decided_at)
        if followed.waits and _applied(view, table):
            self._lag("applied", view, now)
            followed = replace(followed, waits=False)
        self._followed[key] = followed

    def forget(self, key: Key) -> None:
        self._followed.pop(key, None)

    def _lag(self, until: str, view: TuningView, now: datetime) -> None:
        self._metrics.decision(until, (now - view.decided_at).total_seconds())


def _applied(view: TuningView, table: SpeculationTable) -> bool:
    """Whether every ready pod says so; one that was not read, or has no plugin, does not."""
    return bool(view.replicas) and all(
        each.lock == table.lock
        and each.applied_generation is not None
        and each.applied_generation >= table.generation
        for each in view.replicas
    )


def _audit(key: Key, table: SpeculationTable, view: TuningView) -> None:
    schedule = [list(span) for span in table.schedule]
    decision = view.decision
    why = decision.message if decision.reason == table.reason else ""
    AUDIT.info(
        "%s/%s table %d, %s: %s",
        *key,
        table.generation,
        table.reason,
        why or schedule,
        extra=fields(
            namespace=key[0],
            name=key[1],
            lock=table.lock,
            generation=table.generation,
            reason=table.reason,
            schedule=schedule,
            decidedAt=view.decided_at.isoformat(timespec="milliseconds"),
            acceptanceRate=view.acceptance_rate,
            inputs=dict(decision.inputs) if why else {},
        ),
    )
