"""K of each step and the counts of what it did, by the code that all engines share (`plugin`)."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence as Listed
from typing import Any

from tandem_runtime.contract import metrics
from tandem_runtime.contract.table import MAX_REQUESTS, Range, SpeculationTable
from tandem_runtime.engine.scheduler import Chunk
from tandem_runtime.engine.sequence import Sequence
from tandem_runtime.engine.verification import Draft, Verdict
from tandem_runtime.plugin.depth.lookup import (
    PREFILL_TOKENS,
    START,
    State,
    carried_over,
    choose,
)
from tandem_runtime.plugin.depth.request_options import PLAIN, bypass_cause, cap_of
from tandem_runtime.plugin.metrics.counters import Step, StepCounters
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of
from tandem_runtime.plugin.version import PLUGIN_VERSION

_FLUSH_STEPS = 16


class Depth:
    """The state between two steps. The engine's thread calls all but `content`."""

    def __init__(self, limits: Limits, initial_tokens: int) -> None:
        """`initial_tokens` is K for every load until the first table."""
        self._speculates = limits.max_tokens > 0
        self._initial = plan_of(
            SpeculationTable("", 0, (Range(1, MAX_REQUESTS, initial_tokens),)), limits
        )
        self._plan: Plan | None = None
        self._state: State = START
        self._counters = StepCounters()
        self._finished: deque[tuple[Step, dict[str, str]]] = deque()
        self._bypassed: Counter[str] = Counter()
        self._turn = threading.Lock()
        self._last_batch = 0
        self._last_end_s: float | None = None
        self._idle = True

    def arrived(self, sequence: Sequence) -> None:
        """A request was taken in."""
        cause = bypass_cause(sequence.options, self._plan)
        if cause is not None and self._speculates:
            self._bypassed[cause] += 1

    def begin(self, plan: Plan | None) -> None:
        """A step begins; `plan` is the newest table's."""
        if self._last_end_s is None:
            self._last_end_s = time.perf_counter()
        if plan is not self._plan and plan is not None:
            self._state = carried_over(self._state, self._plan, plan)
            self._plan = plan

    def choose(self, decoding: Listed[Sequence], chunks: Listed[Chunk]) -> int:
        """K of a step with these requests."""
        if not self._speculates or not decoding:
            return 0
        prefill = sum(chunk.tokens for chunk in chunks) >= PREFILL_TOKENS
        plan = self._plan or self._initial
        depth, self._state = choose(plan, self._state, len(decoding), prefill)
        return depth

    def cap(self, sequence: Sequence, depth: int) -> int:
        """K for one request: less where its segment says so, none where it is bypassed."""
        if sequence.options is PLAIN:
            return depth
        cap = cap_of(sequence.options, self._plan)
        return depth if cap is None else min(depth, cap)

    def ended(
        self,
        depth: int,
        decoding: Listed[Sequence],
        drafts: Listed[Draft],
        chunks: Listed[Chunk],
        verdicts: Listed[Verdict],
        running: Listed[Sequence],
    ) -> float:
        """The step is over; `drafts` and `verdicts` begin with those of `decoding`. Its seconds."""
        now_s = time.perf_counter()
        seconds = now_s - (self._last_end_s or now_s)
        self._idle, self._last_end_s = False, now_s
        if not running:
            self.rest()
        step = Step(
            seconds=seconds,
            batch=len(decoding),
            depth=depth,
            drafting=depth,
            prefill_tokens=sum(chunk.tokens for chunk in chunks),
            verified_tokens=sum(1 + len(draft.tokens) for draft in drafts[: len(decoding)]),
            context_tokens=sum(sequence.computed for sequence in running),
            bypassed=sum(self.cap(s, 1) == 0 for s in decoding if s.options is not PLAIN),
            steady=len(decoding) == self._last_batch,
            drafts={
                sequence.name: draft.tokens
                for sequence, draft in zip(decoding, drafts, strict=False)
                if draft.tokens
            },
            invalid={},
            rows={sequence.name: row for row, sequence in enumerate(decoding)},
            sampled=[len(verdict.tokens) for verdict in verdicts[: len(decoding)]],
        )
        self._last_batch = len(decoding)
        plan = self._plan
        segments = {
            s.name: s.options.segment if plan is None else plan.segment_name(s.options.segment)
            for s in decoding
            if s.options.segment
        }
        self._finished.append((step, segments))
        if len(self._finished) >= _FLUSH_STEPS:
            self._flush()
        return seconds

    def rest(self) -> None:
        """Nothing runs: the time until the next step belongs to none."""
        self._idle, self._last_end_s = True, None

    def content(self) -> dict[str, Any]:
        """The report's part that only the engine knows. Called in the watcher's thread."""
        self._flush()
        with self._turn:
            if self._idle:
                self._counters.idle()
            sums = self._counters.snapshot()
        return {
            **sums,
            "mode": metrics.MODE_LOOKUP if self._speculates else metrics.MODE_OBSERVE,
            "reason": "" if self._speculates else "NoSpeculation",
            "errors": 0,
            "bypassed": dict(self._bypassed),
            # What a step prefills is known before its K is looked up: nothing is guessed.
            "prefill_guesses": {},
            "plugin": PLUGIN_VERSION,
        }

    def _flush(self) -> None:
        """Count the steps that have finished; both threads may."""
        with self._turn:
            while self._finished:
                self._counters.add(*self._finished.popleft())
