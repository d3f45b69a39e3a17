"""The counters of one replica at one moment, whatever engine and source they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tandem_runtime.contract.table import Range

CellKey = tuple[int, int, bool]
"""Lower edge of the batch bucket, K, whether the step carried prefill."""
Cells = Mapping[CellKey, Mapping[str, float]]
Segments = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Plugin:
    """What the plugin in the engine says about itself."""

    lock: str
    epoch: str
    mode: str
    reason: str
    applied_generation: int
    effective: tuple[Range, ...]
    heartbeat_s: float | None

    def tokens_for(self, batch: float) -> int | None:
        """K in force at that many decoding requests; None: no table is in force."""
        for span in self.effective:
            if span.first <= max(1.0, batch) <= span.last:
                return span.tokens
        return self.effective[-1].tokens if self.effective else None


@dataclass(frozen=True)
class EngineSample:
    """One scrape. Sums run over the engine's data-parallel ranks.

    ``totals`` hold the monotonic counters by the name of the Window field that they become.
    ``segments`` are (accepted, drafts that ended in a rejection) by traffic segment.
    """

    at_s: float
    running: float
    waiting: float
    context_tokens: float | None
    totals: Mapping[str, float]
    accepted_by_position: tuple[float, ...]
    drafted_by_position: tuple[float, ...] | None
    cells: Cells | None
    segments: Segments = field(default_factory=dict)
    plugin: Plugin | None = None


class SeriesMissingError(Exception):
    """The page lacks a series without which nothing can be decided."""
