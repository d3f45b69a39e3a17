"""Steps between the moment that vLLM schedules them and the moment that they are counted.

One `StepRecords` a scheduler. What a step did is kept as references; `finished` are counted in
bunches, so that a step pays for little more than this.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

from tandem_runtime.plugin.metrics.counters import Step

_MOST_UNRETURNED = 64
_CONTEXT_STEPS = 16
"""The context is summed over all requests this often; between, sampled tokens are added."""


class Scheduled(NamedTuple):
    """A step as it was scheduled."""

    batch: int
    depth: int
    drafting: int
    prefill_tokens: int
    verified_tokens: int
    bypassed: int
    steady: bool
    mixed: bool
    drafts: Mapping[str, list[int]]


class StepRecords:
    """Steps under way, by vLLM's own object of each, and those that have come back."""

    def __init__(self, scheduler: Any) -> None:
        self.finished: deque[Step] = deque()
        self._scheduler = scheduler
        self.anchor_s: float | None = None
        """When the time of the next step to return began; None while the engine is idle."""
        self._under_way: dict[int, Scheduled] = {}
        self._context = 0
        self._context_batch = -1
        self._context_age = 0

    def begin(self) -> None:
        """An idle engine is about to schedule: from now on time belongs to steps."""
        self.anchor_s = time.perf_counter()

    def scheduled(self, output: Any, step: Scheduled) -> None:
        """Keep a step until its output comes back."""
        if len(self._under_way) >= _MOST_UNRETURNED:
            # Steps that failed never return; what they referred to must not be kept.
            self._under_way.clear()
        self._under_way[id(output)] = step

    def returned(self, output: Any, result: Any, sampled: list[int]) -> None:
        """vLLM has dealt with a step's output; `sampled` are its counts of sampled tokens."""
        step = self._under_way.pop(id(output), None)
        now_s = time.perf_counter()
        since_s, self.anchor_s = self.anchor_s, now_s
        if not self._scheduler.running and not self._under_way:
            # Idle until the next request: that time belongs to no step.
            self.anchor_s = None
        if step is None:
            return
        self._measure_context(sampled)
        batch, depth, drafting, prefill_tokens, verified, bypassed, steady, mixed, drafts = step
        self.finished.append(
            Step(
                now_s - since_s if since_s is not None else 0.0,
                batch,
                depth,
                drafting,
                prefill_tokens,
                verified,
                self._context,
                bypassed,
                steady,
                drafts,
                getattr(output, "num_invalid_spec_tokens", None) or {},
                result.req_id_to_index,
                sampled,
                mixed,
            )
        )

    def _measure_context(self, sampled: list[int]) -> None:
        running = self._scheduler.running
        self._context_age += 1
        if len(running) != self._context_batch or self._context_age >= _CONTEXT_STEPS:
            self._context = sum([request.num_computed_tokens for request in running])
            self._context_batch = len(running)
            self._context_age = 0
        else:
            self._context += sum(sampled)
