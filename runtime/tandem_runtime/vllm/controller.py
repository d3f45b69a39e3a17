"""One scheduler's live K: what it does before, in and after each of vLLM's steps.

Called by `scheduler` alone, which guards every call. Per step this must cost microseconds: counts
are kept as references and added up every sixteenth step.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from tandem_runtime.plugin.depth.lookup import START, State, bound, carried_over, choose
from tandem_runtime.plugin.metrics.counters import StepCounters
from tandem_runtime.plugin.table.plan import Plan
from tandem_runtime.vllm.caps import RequestCaps
from tandem_runtime.vllm.prefill import PrefillForecast
from tandem_runtime.vllm.step_records import Scheduled, StepRecords
from tandem_runtime.vllm.support import Support

FLUSH_STEPS = 16


class Controller:
    """State of one scheduler. The scheduler's thread calls all but `content`."""

    def __init__(self, scheduler: Any, support: Support) -> None:
        self.support = support
        self.plan: Plan | None = None
        self.errors = 0
        self.counters = StepCounters()
        self._scheduler = scheduler
        self._state: State = START
        self._asked: int = getattr(scheduler, "num_spec_tokens", 0)
        """K of the step that made the drafts at hand, less what was cut of them since."""
        self._batch = 0
        self._caps = RequestCaps(scheduler, support.acts)
        self._prefill = PrefillForecast(scheduler)
        self._records = StepRecords(scheduler)
        self._turn = threading.Lock()

    def arrived(self, request: Any) -> None:
        """A request was added to the scheduler."""
        self._caps.arrived(request, self.plan)

    def before(self, plan: Plan | None) -> None:
        """vLLM is about to schedule: take a new plan, cut drafts that may not be verified."""
        fresh = plan is not self.plan
        if fresh and plan is not None:
            self._state = carried_over(self._state, self.plan, plan)
            self.plan = plan
            self._caps.adopt(plan)
        if self._records.anchor_s is None:
            self._records.begin()
        if not self.support.acts:
            return
        if plan is not None:
            self._cut(plan, fresh)
        if self._caps.capped:
            self._caps.cut()

    def decided(self, output: Any) -> None:
        """vLLM has scheduled a step and not yet written down what it drafts: say how much."""
        scheduled = output.num_scheduled_tokens
        if not scheduled:
            return
        forecast, caps = self._prefill, self._caps
        prefill_tokens, prefilling = forecast.measure(output, scheduled)
        if forecast.guessed is not None:
            forecast.compare(prefill_tokens)
        batch = len(scheduled) - prefilling
        drafts = output.scheduled_spec_decode_tokens
        depth, mixed = self._verified(drafts, batch)
        self._asked = self._draft(output, depth)
        self._records.scheduled(
            output,
            Scheduled(
                batch,
                depth,
                self._asked,
                prefill_tokens,
                output.total_num_scheduled_tokens - prefill_tokens,
                caps.bypassing(scheduled) if caps.capped else 0,
                batch == self._batch,
                mixed,
                drafts,
            ),
        )
        self._batch = batch

    def returned(self, output: Any, result: Any, sampled: list[int]) -> None:
        """vLLM has dealt with a step's output; `sampled` are its counts of sampled tokens."""
        self._records.returned(output, result, sampled)
        if len(self._records.finished) >= FLUSH_STEPS:
            self._flush()

    def content(self, mode: str, reason: str) -> dict[str, Any]:
        """The report's part that only the scheduler knows. Called in the watcher's thread."""
        self._flush()
        with self._turn:
            if not getattr(self._scheduler, "running", None):
                self.counters.idle()
            sums = self.counters.snapshot()
        return {
            **sums,
            "mode": mode,
            "reason": reason,
            "errors": self.errors,
            "bypassed": dict(self._caps.bypassed),
            "prefill_guesses": dict(self._prefill.results),
        }

    def _cut(self, plan: Plan, fresh: bool) -> None:
        scheduler = self._scheduler
        trims = not self.support.by_step
        if trims:
            self._asked = scheduler.num_spec_tokens
        # What was drafted one step ago was drafted for the requests that run now: only a new plan
        # and prefill that has arrived since can ask for less.
        unforeseen = plan.prefill_schedule is not None and self._prefill.guessed is not True
        prefill = unforeseen and self._prefill.expected()
        if not (fresh or trims or prefill):
            return
        batch = [request.is_prefill_chunk for request in scheduler.running].count(False)
        limit: int | None
        if fresh or trims:
            limit, self._state = choose(plan, self._state, batch, prefill)
        else:
            limit = bound(plan, self._state, batch, prefill)
        if limit is None or limit >= self._asked:
            return
        self._asked = limit
        for request in scheduler.running:
            if len(request.spec_token_ids) > limit:
                # A new list: asynchronous scheduling shares one between all requests.
                request.spec_token_ids = request.spec_token_ids[:limit]

    def _verified(self, drafts: Mapping[str, Sequence[int]], batch: int) -> tuple[int, bool]:
        """K that the step verifies, from what was scheduled, and whether requests differ in it.

        Where a drafter may find fewer drafts than were asked of it, K is what it was asked for.
        """
        if not drafts:
            return (self._asked if self.support.sparse else 0), False
        lengths = set(map(len, drafts.values()))
        deepest = max(lengths)
        mixed = len(lengths) > 1 or len(drafts) < batch
        if self.support.sparse and self._asked > deepest:
            deepest = self._asked
        return deepest, mixed

    def _draft(self, output: Any, depth: int) -> int:
        """K whose drafts the step makes; the engine is told where it listens."""
        plan, support = self.plan, self.support
        if not support.acts or plan is None:
            vllms: int = getattr(
                output, "num_spec_tokens_to_schedule", self._scheduler.num_spec_tokens
            )
            return vllms
        if not support.by_step:
            # All are drafted at any K: what is verified alone makes steps differ.
            return depth
        following = len(self._scheduler.running) - len(self._prefill.unfinished)
        prefill = plan.prefill_schedule is not None and self._prefill.guess()
        drafting, self._state = choose(plan, self._state, following, prefill)
        if self._caps.capped:
            drafting = self._caps.lowered(drafting, following)
        output.num_spec_tokens_to_schedule = drafting
        return drafting

    def _flush(self) -> None:
        """Count the steps that have finished; both threads may."""
        with self._turn:
            segments = self._caps.segments(self.plan)
            finished = self._records.finished
            while finished:
                self.counters.add(finished.popleft(), segments)
        self._caps.forget_finished()
