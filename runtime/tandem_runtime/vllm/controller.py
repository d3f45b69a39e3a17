"""One scheduler's live K: what it does before, in and after each of vLLM's steps.

Called by `scheduler` alone, which guards every call. Per step this must cost microseconds: counts
are kept as references and added up every sixteenth step.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from itertools import islice
from typing import Any, NamedTuple

from tandem_runtime.contract import metrics
from tandem_runtime.plugin.counters import Step, StepCounters
from tandem_runtime.plugin.lookup import PREFILL_TOKENS, START, State, bound, carried_over, choose
from tandem_runtime.plugin.plan import Plan
from tandem_runtime.plugin.request_options import (
    PLAIN,
    RequestOptions,
    bypass_cause,
    cap_of,
    options_of,
)
from tandem_runtime.vllm.support import Support

FLUSH_STEPS = 16
_MOST_UNRETURNED = 64
_LOOKED_AT_WAITING = 32


class _Under(NamedTuple):
    """A step that vLLM scheduled and whose output has not come back."""

    batch: int
    depth: int
    drafting: int
    prefill_tokens: int
    verified_tokens: int
    bypassed: int
    steady: bool
    drafts: dict[str, list[int]]


class Controller:
    """State of one scheduler. The scheduler's thread calls all but `content`."""

    def __init__(self, scheduler: Any, support: Support) -> None:
        self.support = support
        self.plan: Plan | None = None
        self.errors = 0
        self._scheduler = scheduler
        self._acts = support.mode in (metrics.MODE_LOOKUP, metrics.MODE_TRIM)
        self._state: State = START
        self._drafted: int = getattr(scheduler, "num_spec_tokens", 0)
        self._options: dict[str, RequestOptions] = {}
        self._capped: dict[str, tuple[Any, int]] = {}
        self._bypassed: Counter[str] = Counter()
        self._guesses: Counter[str] = Counter()
        self._guess: bool | None = None
        self._chunks: list[Any] = []
        self._remaining = 0
        self._unreturned: dict[int, _Under] = {}
        self._finished: deque[Step] = deque()
        self._counters = StepCounters()
        self._turn = threading.Lock()
        self._anchor_s: float | None = None
        self._last_batch = 0
        self._context = 0
        self._context_batch = -1
        self._context_age = 0

    def arrived(self, request: Any) -> None:
        """A request was added to the scheduler."""
        parameters = request.sampling_params
        options = options_of(
            None if parameters is None else parameters.extra_args,
            bool(request.use_structured_output),
        )
        if options is PLAIN:
            return
        self._options[request.request_id] = options
        if not self._acts:
            return
        cause = bypass_cause(options, self.plan)
        if cause is not None:
            self._bypassed[cause] += 1
        cap = cap_of(options, self.plan)
        if cap is not None:
            self._capped[request.request_id] = (request, cap)

    def before(self, plan: Plan | None) -> None:
        """vLLM is about to schedule: take a new plan, cut drafts that may not be verified."""
        fresh = plan is not self.plan
        if fresh and plan is not None:
            self._adopt(plan)
        if self._anchor_s is None:
            self._anchor_s = time.perf_counter()
        if not self._acts:
            return
        if plan is not None:
            self._cut_all(plan, fresh)
        if self._capped:
            self._cut_capped()

    def decided(self, output: Any) -> None:
        """vLLM has scheduled a step and not yet written down what it drafts: say how much."""
        scheduler = self._scheduler
        scheduled = output.num_scheduled_tokens
        if not scheduled:
            return
        prefill_tokens, prefilling = self._prefills(output, scheduled)
        batch = len(scheduled) - prefilling
        drafts = output.scheduled_spec_decode_tokens
        depth = self._drafted
        if self.plan is not None and self.support.mode == metrics.MODE_LOOKUP:
            following = len(scheduler.running) - len(self._chunks)
            drafting = self._next_depth(self.plan, following)
            output.num_spec_tokens_to_schedule = drafting
        elif self.support.mode == metrics.MODE_TRIM:
            drafting = depth
        else:
            drafting = getattr(output, "num_spec_tokens_to_schedule", scheduler.num_spec_tokens)
        if self._guess is not None:
            hit = self._guess == (prefill_tokens >= PREFILL_TOKENS)
            self._guesses["hit" if hit else "miss"] += 1
            self._guess = None
        if len(self._unreturned) >= _MOST_UNRETURNED:
            # Steps that failed never return; what they referred to must not be kept.
            self._unreturned.clear()
        self._unreturned[id(output)] = _Under(
            batch=batch,
            depth=depth,
            drafting=drafting,
            prefill_tokens=prefill_tokens,
            verified_tokens=output.total_num_scheduled_tokens - prefill_tokens,
            bypassed=self._bypassing(scheduled) if self._capped else 0,
            steady=batch == self._last_batch,
            drafts=drafts,
        )
        self._last_batch = batch
        self._drafted = drafting

    def returned(self, output: Any, result: Any, sampled: list[int]) -> None:
        """vLLM has dealt with a step's output; `sampled` are its counts of sampled tokens."""
        under = self._unreturned.pop(id(output), None)
        now_s = time.perf_counter()
        since_s, self._anchor_s = self._anchor_s, now_s
        scheduler = self._scheduler
        if not scheduler.running and not self._unreturned:
            # Idle until the next request: that time belongs to no step.
            self._anchor_s = None
        if under is None:
            return
        self._measure_context(sampled)
        self._finished.append(
            Step(
                seconds=now_s - since_s if since_s is not None else 0.0,
                batch=under.batch,
                depth=under.depth,
                drafting=under.drafting,
                prefill_tokens=under.prefill_tokens,
                verified_tokens=under.verified_tokens,
                context_tokens=self._context,
                bypassed=under.bypassed,
                steady=under.steady,
                drafts=under.drafts,
                invalid=getattr(output, "num_invalid_spec_tokens", None) or {},
                rows=result.req_id_to_index,
                sampled=sampled,
            )
        )
        if len(self._finished) >= FLUSH_STEPS:
            self._flush()

    def content(self, mode: str, reason: str) -> dict[str, Any]:
        """The report's part that only the scheduler knows. Called in the watcher's thread."""
        self._flush()
        with self._turn:
            if not getattr(self._scheduler, "running", None):
                self._counters.idle()
            sums = self._counters.snapshot()
        return {
            **sums,
            "mode": mode,
            "reason": reason,
            "errors": self.errors,
            "bypassed": dict(self._bypassed),
            "prefill_guesses": dict(self._guesses),
        }

    def _adopt(self, plan: Plan) -> None:
        self._state = carried_over(self._state, self.plan, plan)
        self.plan = plan
        capped = {}
        for name, options in self._options.items():
            request = self._scheduler.requests.get(name)
            cap = cap_of(options, plan)
            if request is not None and cap is not None:
                capped[name] = (request, cap)
        self._capped = capped if self._acts else {}

    def _cut_all(self, plan: Plan, fresh: bool) -> None:
        scheduler = self._scheduler
        trims = self.support.mode == metrics.MODE_TRIM
        if trims:
            self._drafted = scheduler.num_spec_tokens
        # What was drafted one step ago was drafted for the requests that run now: only a new plan
        # and prefill that has arrived since can ask for less.
        unforeseen = plan.prefill_schedule is not None and self._guess is not True
        prefill = unforeseen and self._expects_prefill()
        if not (fresh or trims or prefill):
            return
        batch = [request.is_prefill_chunk for request in scheduler.running].count(False)
        limit: int | None
        if fresh or trims:
            limit, self._state = choose(plan, self._state, batch, prefill)
        else:
            limit = bound(plan, self._state, batch, prefill)
        if limit is None or limit >= self._drafted:
            return
        self._drafted = limit
        for request in scheduler.running:
            if len(request.spec_token_ids) > limit:
                # A new list: asynchronous scheduling shares one between all requests.
                request.spec_token_ids = request.spec_token_ids[:limit]

    def _cut_capped(self) -> None:
        requests = self._scheduler.requests
        gone = []
        for name, (request, cap) in self._capped.items():
            if name not in requests:
                gone.append(name)
            elif len(request.spec_token_ids) > cap:
                request.spec_token_ids = request.spec_token_ids[:cap]
        for name in gone:
            del self._capped[name]

    def _prefills(self, output: Any, scheduled: dict[str, int]) -> tuple[int, int]:
        """Prefill tokens of the step and the requests that prefill in it.

        Only requests that are new, came back, or were unfinished one step ago can prefill, so
        the others are not looked at. Keeps those that this step leaves unfinished.
        """
        requests = self._scheduler.requests
        names = [chunk.request_id for chunk in self._chunks]
        if output.scheduled_new_reqs:
            names += [new.req_id for new in output.scheduled_new_reqs]
        names += getattr(output.scheduled_cached_reqs, "resumed_req_ids", ())
        self._chunks = []
        tokens = prefilling = self._remaining = 0
        for name in dict.fromkeys(names) if names else ():
            request = requests.get(name)
            if request is None:
                continue
            here = scheduled.get(name, 0)
            left = request.num_tokens - request.num_computed_tokens - here
            tokens += here
            prefilling += here > 0
            if left > 0:
                self._chunks.append(request)
                self._remaining += left
        return tokens, prefilling

    def _next_depth(self, plan: Plan, batch: int) -> int:
        prefill = False
        if plan.prefill_schedule is not None:
            prefill = self._guess = self._expects_prefill()
        depth, self._state = choose(plan, self._state, batch, prefill)
        if depth and len(self._capped) >= batch > 0:
            depth = min(depth, self._highest_cap(depth))
        return depth

    def _highest_cap(self, depth: int) -> int:
        """Deepest draft that any running request may have; it spares a draft that is cut anyway."""
        highest = 0
        for request in self._scheduler.running:
            held = self._capped.get(request.request_id)
            if held is None:
                return depth
            highest = max(highest, held[1])
        return highest

    def _expects_prefill(self) -> bool:
        """Whether the next step is likely to carry `PREFILL_TOKENS` of prefill or more."""
        scheduler = self._scheduler
        remaining = self._remaining
        if remaining < PREFILL_TOKENS and scheduler.waiting:
            most = getattr(scheduler, "max_num_running_reqs", _LOOKED_AT_WAITING)
            room = min(most - len(scheduler.running), _LOOKED_AT_WAITING)
            for request in islice(scheduler.waiting, max(room, 0)):
                remaining += request.num_tokens - request.num_computed_tokens
        return bool(remaining >= PREFILL_TOKENS)

    def _bypassing(self, scheduled: dict[str, int]) -> int:
        return sum(cap == 0 and name in scheduled for name, (_, cap) in self._capped.items())

    def _measure_context(self, sampled: list[int]) -> None:
        running = self._scheduler.running
        self._context_age += 1
        if len(running) != self._context_batch or self._context_age >= FLUSH_STEPS:
            self._context = sum([request.num_computed_tokens for request in running])
            self._context_batch = len(running)
            self._context_age = 0
        else:
            self._context += sum(sampled)

    def _flush(self) -> None:
        """Count the steps that have finished; both threads may."""
        with self._turn:
            plan = self.plan
            segments = {
                name: plan.segment_name(options.segment) if plan is not None else options.segment
                for name, options in list(self._options.items())
                if options.segment
            }
            while self._finished:
                self._counters.add(self._finished.popleft(), segments)
        requests = getattr(self._scheduler, "requests", self._options)
        if len(self._options) > len(requests):
            for name in [name for name in list(self._options) if name not in requests]:
                self._options.pop(name, None)
