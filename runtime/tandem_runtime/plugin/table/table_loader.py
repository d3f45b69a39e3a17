"""Decides which table is in force, and counts the files that were refused.

Used by the watcher thread alone; no I/O beyond reading the file that it is told about.
"""

from __future__ import annotations

from collections import Counter

from tandem_runtime.contract.table import SpeculationTable
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of
from tandem_runtime.plugin.table.table_file import Refusal, Signature, read, signature

REREAD_S = 1.0
"""Even with the same signature the file is read this often: times may be too coarse to differ."""


class TableLoader:
    """The last good plan of one table file."""

    def __init__(self, path: str, lock: str, limits: Limits) -> None:
        """`lock` is the pod's own; "" takes tables of any lock."""
        self.plan: Plan | None = None
        self.refused: Counter[str] = Counter()
        self.clamped = 0
        self.message = ""
        self._path = path
        self._lock = lock
        self._limits = limits
        self._signature: Signature | None = None
        self._judged: SpeculationTable | Refusal | None = None
        self._read_at_s = float("-inf")

    def poll(self, now_s: float) -> bool:
        """Read what changed; True when a new plan is in force. `now_s` is on a monotonic clock."""
        seen = signature(self._path)
        if seen == self._signature and now_s - self._read_at_s < REREAD_S:
            return False
        self._signature = seen
        self._read_at_s = now_s
        loaded = read(self._path)
        if loaded == self._judged:
            return False
        self._judged = loaded
        refusal = loaded if isinstance(loaded, Refusal) else self._objection(loaded)
        if refusal is not None:
            self.refused[refusal.cause] += 1
            self.message = refusal.message
            return False
        assert isinstance(loaded, SpeculationTable)
        if self.plan is not None and loaded == self.plan.table:
            return False
        self.plan = plan_of(loaded, self._limits)
        self.clamped += self.plan.clamped
        self.message = ""
        return True

    def _objection(self, table: SpeculationTable) -> Refusal | None:
        if self._lock and table.lock != self._lock:
            return Refusal(
                "lock", f"{self._path} is of lock {table.lock!r}; this engine has {self._lock!r}"
            )
        applied = None if self.plan is None else self.plan.table
        if table == applied or table.supersedes(applied):
            return None
        return Refusal(
            "stale",
            f"{self._path} has generation {table.generation}; a newer table is in force",
        )
