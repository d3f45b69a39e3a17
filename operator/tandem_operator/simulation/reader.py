"""Reads a table at each step, as the engine's plugin does.

By decoding requests, with hysteresis, a second table for steps with prefill, and bursts of
exploration.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tandem_operator.simulation.counters import PREFILL_STEP_TOKENS
from tandem_operator.tuning.borders import margin

FEWEST_MISSED = 64
"""Steps with prefill that the plugin passes over at least before bursts go on in them."""


class Reader:
    """Reads a table at each step, as the plugin does."""

    def __init__(self, depths: Sequence[int]) -> None:
        self._schedule: list[tuple[int, int, int]] = [(1, 1, 0)]
        self._prefill: list[tuple[int, int, int]] | None = None
        self._range: tuple[int, int, int] | None = None
        self._every = self._steps = 0
        self._offsets: tuple[int, ...] = ()
        self._depths = tuple(sorted(depths))
        self._count = self._burst = self._missed = 0

    def take(
        self,
        schedule: Sequence[Sequence[int]],
        prefill_schedule: Sequence[Sequence[int]] | None,
        explore: Mapping[str, Any] | None,
    ) -> None:
        """Follow another table. A range whose borders stay is kept, and so is the exploration."""
        borders = [span[:2] for span in self._schedule]
        self._schedule = [(int(a), int(b), int(k)) for a, b, k in schedule]
        kept = [span for span in self._schedule if self._range and span[:2] == self._range[:2]]
        same_borders = [span[:2] for span in self._schedule] == borders
        self._range = kept[0] if same_borders and kept else None
        self._prefill = (
            None
            if prefill_schedule is None
            else [(int(a), int(b), int(k)) for a, b, k in prefill_schedule]
        )
        every = int(explore["every"]) if explore else 0
        steps = int(explore["steps"]) if explore else 0
        offsets = tuple(explore["offsets"]) if explore else ()
        if (every, steps, offsets) != (self._every, self._steps, self._offsets):
            self._every, self._steps, self._offsets = every, steps, offsets
            self._count = self._burst = self._missed = 0

    def tokens(self, batch: int, prefill: int) -> int:
        if self._range is None or not within(self._range, batch):
            self._range = span_of(self._schedule, batch)
        tokens = self._range[2]
        if prefill >= PREFILL_STEP_TOKENS:
            if self._prefill is not None:
                tokens = span_of(self._prefill, batch)[2]
            if tokens and self._missed < max(self._every, FEWEST_MISSED):
                self._missed += 1
                return tokens
        if not self._every:
            return tokens
        self._count += 1
        place = self._count % self._every
        if place == 0:
            self._burst += 1
        if place < self._steps and self._count >= self._every:
            if place == self._steps - 1:
                self._missed = 0
            return self._explored(tokens)
        return tokens

    def _explored(self, tokens: int) -> int:
        """The depth that the burst's offset leads to, away from K; at 0 the shallowest one."""
        if tokens == 0:
            return self._depths[1]
        offset = self._offsets[self._burst % len(self._offsets)]
        wanted = tokens + offset
        if offset > 0:
            return min((d for d in self._depths if d >= wanted), default=self._depths[-1])
        return max((d for d in self._depths if d <= wanted), default=self._depths[0])


def span_of(schedule: Sequence[tuple[int, int, int]], batch: int) -> tuple[int, int, int]:
    """The range that holds `batch`; the last one extends upward."""
    for span in schedule:
        if batch <= span[1]:
            return span
    return schedule[-1]


def within(span: tuple[int, int, int], batch: int) -> bool:
    """Whether a load in this range stays in it: it is left only a margin beyond its borders."""
    start, top, _ = span
    if batch > top:
        return batch <= top + margin(top)
    border = start - 1
    return batch >= start or batch > max(border - margin(border), 1)
