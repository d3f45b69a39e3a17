"""Reads a table at each step, as the engine's plugin does.

By decoding requests, with hysteresis, a second table for steps with prefill, and bursts of
exploration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tandem_operator.simulation.counters import PREFILL_STEP_TOKENS

HYSTERESIS = 0.10


class Reader:
    """Reads a table at each step, as the plugin does."""

    def __init__(self, depths: Sequence[int]) -> None:
        self._schedule: list[tuple[int, int, int]] = [(1, 1, 0)]
        self._prefill: list[tuple[int, int, int]] | None = None
        self._range: tuple[int, int, int] | None = None
        self._every = self._steps = 0
        self._offsets: tuple[int, ...] = ()
        self._depths = tuple(sorted(depths))
        self._count = self._burst = 0

    def take(
        self,
        schedule: Sequence[Sequence[int]],
        prefill_schedule: Sequence[Sequence[int]] | None,
        explore: Mapping[str, Any] | None,
    ) -> None:
        self._schedule = [(int(a), int(b), int(k)) for a, b, k in schedule]
        self._prefill = (
            None
            if prefill_schedule is None
            else [(int(a), int(b), int(k)) for a, b, k in prefill_schedule]
        )
        self._range = None
        self._every = int(explore["every"]) if explore else 0
        self._steps = int(explore["steps"]) if explore else 0
        self._offsets = tuple(explore["offsets"]) if explore else ()

    def tokens(self, batch: int, prefill: int) -> int:
        if prefill >= PREFILL_STEP_TOKENS and self._prefill is not None:
            return span_of(self._prefill, batch)[2]
        if self._range is None or not within(self._range, batch):
            self._range = span_of(self._schedule, batch)
        tokens = self._range[2]
        if not self._every:
            return tokens
        self._count += 1
        place = self._count % self._every
        if place == 0:
            self._burst += 1
        if place < self._steps and self._count >= self._every:
            return self._explored(tokens)
        return tokens

    def _explored(self, tokens: int) -> int:
        """An offset counts tiers; where the table says 0, the shallowest tier is tried."""
        place = self._depths.index(tokens) + self._offsets[self._burst % len(self._offsets)]
        if tokens == 0:
            place = 1
        return self._depths[min(max(place, 0), len(self._depths) - 1)]


def span_of(schedule: Sequence[tuple[int, int, int]], batch: int) -> tuple[int, int, int]:
    """The range that holds `batch`; the last one extends upward."""
    for span in schedule:
        if batch <= span[1]:
            return span
    return schedule[-1]


def within(span: tuple[int, int, int], batch: int) -> bool:
    """Whether the batch is still inside, 10 % (at least one request) beyond either border."""
    start, top, _ = span
    return start - max(1.0, HYSTERESIS * start) <= batch <= top + max(1.0, HYSTERESIS * top)
