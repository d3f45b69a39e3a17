"""A table made fit for one engine: clipped to the depths that the engine was started with.

Pure; the watcher makes a plan of each table it accepts, the scheduler reads it at each step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem_runtime.contract.table import (
    BYPASS,
    MAX_NAMED_SEGMENTS,
    OTHER_SEGMENT,
    Explore,
    Range,
    SpeculationTable,
)


@dataclass(frozen=True)
class Limits:
    """The deepest K and the tiers (rising, with 0) that the engine was started with."""

    max_tokens: int
    tiers: tuple[int, ...]

    def clip(self, tokens: int) -> int:
        """The deepest tier that is not above `tokens`."""
        return max((tier for tier in self.tiers if tier <= tokens), default=0)


@dataclass(frozen=True)
class Plan:
    """What the scheduler does; `clamped` counts ranges that asked for more than the engine has."""

    table: SpeculationTable
    schedule: tuple[Range, ...]
    prefill_schedule: tuple[Range, ...] | None
    tiers: tuple[int, ...]
    segment_caps: Mapping[str, int]
    clamped: int

    @property
    def enabled(self) -> bool:
        """False: K is 0 everywhere and nothing is explored."""
        return self.table.enabled

    @property
    def bypasses(self) -> bool:
        """Whether constrained requests run without speculation."""
        return self.table.constrained_output == BYPASS

    @property
    def explore(self) -> Explore | None:
        """The table's exploration; none while speculation is off."""
        return self.table.explore if self.table.enabled else None

    def segment_name(self, segment: str) -> str:
        """The name under which a segment is counted."""
        return segment if segment in self.segment_caps else OTHER_SEGMENT

    def effective(self) -> tuple[Range, ...]:
        """K by range as this engine uses it, the highest concurrency and the switch applied."""
        if not self.enabled:
            return tuple(span._replace(tokens=0) for span in self.schedule)
        limit = self.table.max_concurrency
        if limit is None:
            return self.schedule
        below = [
            span._replace(last=min(span.last, limit))
            for span in self.schedule
            if span.first <= limit
        ]
        last = self.schedule[-1].last
        if below and below[-1].last < limit:
            below[-1] = below[-1]._replace(last=limit)
        return (*below, Range(limit + 1, max(last, limit + 1), 0))


def plan_of(table: SpeculationTable, limits: Limits) -> Plan:
    """The plan that a table means on an engine with these limits."""
    ranges = (*table.schedule, *(table.prefill_schedule or ()))
    named = list(table.segments.items())[:MAX_NAMED_SEGMENTS]
    return Plan(
        table=table,
        schedule=_clipped(table.schedule, limits),
        prefill_schedule=None
        if table.prefill_schedule is None
        else _clipped(table.prefill_schedule, limits),
        tiers=limits.tiers,
        segment_caps={name: segment.max_tokens for name, segment in named},
        clamped=sum(span.tokens > limits.max_tokens for span in ranges),
    )


def limits_of(max_tokens: int, tiers: str | None) -> Limits:
    """Limits from the engine's deepest K and the comma list of `TANDEM_TIERS`; no list: every K.

    Raises:
        ValueError: the list holds something else than integers.
    """
    if tiers is None or not tiers.strip():
        return Limits(max_tokens, tuple(range(max_tokens + 1)))
    named = {int(tier) for tier in tiers.split(",")}
    return Limits(
        max_tokens, tuple(sorted({tier for tier in named if 0 <= tier <= max_tokens} | {0}))
    )


def _clipped(schedule: tuple[Range, ...], limits: Limits) -> tuple[Range, ...]:
    return tuple(span._replace(tokens=limits.clip(span.tokens)) for span in schedule)
