"""One simulated engine: continuous batching with chunked prefill, one step at a time.

A step verifies what the step before drafted and drafts the next K, as the real engine does: a new K
is felt one step later. Decoding requests live in arrays, a row each, so that a step costs a handful
of array operations whatever the batch.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tandem_operator.simulation.world.counters import Counters
from tandem_operator.simulation.world.draws import Draws, Floats
from tandem_operator.simulation.world.load.trace import Arrival
from tandem_operator.simulation.world.requests import Admitted, Finished, Limits, Step
from tandem_operator.simulation.world.steadiness import Spread, drawn, per_request, variance
from tandem_operator.simulation.world.truth import Truth

FEW = 8
"""Requests for which plain numbers are quicker than arrays; the outcome is the same."""


class Replica:
    """State of one engine, for prompts of the given segments."""

    def __init__(
        self,
        truth: Truth,
        max_tokens: int,
        draws: Draws,
        limits: Limits,
        segments: Sequence[str],
        spread: Spread = MappingProxyType({}),
    ) -> None:
        self.truth = truth
        self.counters = Counters(max_tokens)
        self.waiting: deque[tuple[Arrival, float]] = deque()
        self.context = 0
        self.batch = 0
        self.segment_counts = [0] * len(segments)
        self._segments = {name: place for place, name in enumerate(segments)}
        self._draws = draws
        self._limits = limits
        self._spread = [variance(spread, name) for name in segments]
        self._last_batch = 0
        self._waiting_tokens = 0
        self._prefilling: list[Admitted] = []
        self._rows: list[Admitted] = []
        size = limits.max_running
        self._remaining, self._drafted = np.zeros((2, size), dtype=np.int64)
        self._steadiness = np.ones(size)
        self._survives = np.zeros((size, max_tokens))
        self._falls: list[list[float]] = []  # of each row, -survival: in rising order
        self._curves = np.zeros((len(segments), max_tokens))
        self._positions = np.arange(max_tokens)
        self._verifies, self._ragged = 0, False
        self._least = 0  # no decoding request has fewer tokens to go

    @property
    def idle(self) -> bool:
        return not (self.batch or self._prefilling or self.waiting)

    @property
    def running(self) -> int:
        return self.batch + len(self._prefilling)

    def believe(self, survival: Mapping[str, Floats]) -> None:
        """What is true from now on: P(the first i+1 drafts are accepted), over drafts.

        A segment that `survival` does not name follows its first curve.
        """
        fallback = next(iter(survival.values()))
        for name, place in self._segments.items():
            curve = survival.get(name, fallback)
            self._curves[place] = per_request(curve[: self._curves.shape[1]], self._spread[place])
        rows = slice(0, self.batch)
        places = [one.segment for one in self._rows]
        self._survives[rows] = self._curves[places] ** self._steadiness[rows, None]
        self._falls = (-self._survives[rows]).tolist()

    def submit(self, arrival: Arrival, now_s: float) -> None:
        self.waiting.append((arrival, now_s))
        self._waiting_tokens += arrival.input_tokens

    def expected_prefill(self) -> int:
        """Prefill tokens that the next step is expected to carry."""
        if not (self._prefilling or self.waiting):
            return 0
        pending = sum(one.prefill for one in self._prefilling)
        free = self._limits.max_running - self.running
        if free >= len(self.waiting):
            pending += self._waiting_tokens
        elif free > 0:
            pending += sum(self.waiting[place][0].input_tokens for place in range(free))
        return min(pending, self._limits.step_tokens)

    def following(self) -> int:
        """Requests that the next step drafts for: they decode, or their prompts end."""
        count = self.batch
        if not (self._prefilling or self.waiting):
            return count
        budget = self._limits.step_tokens - count * (self._verifies + 1)
        free = self._limits.max_running - self.running
        prompts = [one.prefill for one in self._prefilling]
        prompts += [arrival.input_tokens for arrival, _ in itertools.islice(self.waiting, free)]
        for prompt in prompts:
            budget -= prompt
            if budget < 0:
                break
            count += 1
        return count

    def step(self, now_s: float, drafted_next: int) -> Step:
        """Run one step; `drafted_next` is K for the drafts that the next step verifies."""
        self._admit()
        batch, tokens = self.batch, self._verifies if self.batch else 0
        verified = batch + (int(self._drafted[:batch].sum()) if self._ragged else batch * tokens)
        prefill, ended_prefill = self._prefill(self._limits.step_tokens - verified)
        generated = self._verify(batch, tokens)
        mean_s = self.truth.step_s(batch, verified, float(self.context), drafted_next, prefill)
        seconds = self.truth.noisy_s(mean_s, self._draws)
        end_s = now_s + seconds
        concurrency = self.running
        finished = self._finish(end_s, concurrency) if batch and self._least <= 0 else []
        for one in ended_prefill:
            self._start_decoding(one, end_s, concurrency, finished)
        generated += len(ended_prefill)
        self._count(batch, tokens, drafted_next, seconds, prefill, verified, generated)
        self._draft(drafted_next)
        return Step(
            seconds, batch, tokens, prefill, float(self.context), generated, tuple(finished)
        )

    def _admit(self) -> None:
        while self.waiting and self.running < self._limits.max_running:
            arrival, arrived_s = self.waiting.popleft()
            self._waiting_tokens -= arrival.input_tokens
            segment = self._segments.get(arrival.segment, 0)
            self._prefilling.append(Admitted(arrival, arrived_s, arrival.input_tokens, segment))

    def _prefill(self, budget: int) -> tuple[int, list[Admitted]]:
        spent = 0
        ended: list[Admitted] = []
        for one in self._prefilling:
            if spent >= budget:
                break
            chunk = min(one.prefill, budget - spent)
            one.prefill -= chunk
            spent += chunk
            if one.prefill == 0:
                ended.append(one)
        if ended:
            self._prefilling = [one for one in self._prefilling if one.prefill]
        return spent, ended

    def _verify(self, batch: int, tokens: int) -> int:
        """Tokens gained by all requests: L >= i+1 exactly when u < s_i ** steadiness."""
        if not batch:
            return 0
        remaining = self._remaining[:batch]
        self._least -= tokens + 1
        if not tokens:
            remaining -= 1
            self.context += batch
            return batch
        if batch <= FEW and not self._ragged:
            return self._verify_few(batch, tokens)
        survives = self._survives[:batch, :tokens] > self._draws.uniform(batch)[:, None]
        if self._ragged:
            drafted = self._drafted[:batch]
            survives &= self._positions[:tokens] < drafted[:, None]
            self._count_ragged(survives, drafted)
            gained = np.minimum(np.add.reduce(survives, axis=1) + 1, remaining)
            remaining -= gained
            generated = int(gained.sum())
        else:
            # Every request has room for all its drafts and one token more: nothing is cut off.
            accepted = np.add.reduce(survives, axis=0).tolist()
            self.counters.count_drafts(tokens, batch, accepted)
            remaining -= np.add.reduce(survives, axis=1)
            remaining -= 1
            generated = sum(accepted) + batch
        self.context += generated
        return generated

    def _verify_few(self, batch: int, tokens: int) -> int:
        accepted, gained = [0] * tokens, []
        for fall, u in zip(self._falls, self._draws.uniform(batch).tolist(), strict=True):
            kept = bisect_left(fall, -u, 0, tokens)
            for place in range(kept):
                accepted[place] += 1
            gained.append(kept + 1)
        self.counters.count_drafts(tokens, batch, accepted)
        self._remaining[:batch] -= gained
        self.context += sum(gained)
        return sum(gained)

    def _count_ragged(
        self, survives: npt.NDArray[np.bool_], drafted: npt.NDArray[np.int64]
    ) -> None:
        for depth in np.unique(drafted):
            if depth:
                rows = survives[drafted == depth]
                accepted = rows[:, :depth].sum(axis=0).tolist()
                self.counters.count_drafts(int(depth), len(rows), accepted)

    def _finish(self, end_s: float, concurrency: int) -> list[Finished]:
        finished: list[Finished] = []
        remaining = self._remaining[: self.batch]
        self._least = int(remaining.min())
        if self._least > 0:
            return finished
        for row in np.flatnonzero(remaining <= 0)[::-1].tolist():
            one = self._rows[row]
            finished.append(
                Finished(one.arrival, one.arrived_s, one.first_token_s, end_s, concurrency)
            )
            self.context -= one.arrival.input_tokens + one.arrival.output_tokens
            self.segment_counts[one.segment] -= 1
            last = self.batch - 1
            self._rows[row], self._falls[row] = self._rows[last], self._falls[last]
            self._rows.pop()
            self._falls.pop()
            for values in (self._remaining, self._drafted, self._steadiness, self._survives):
                values[row] = values[last]
            self.batch = last
        self._least = 1
        return finished

    def _start_decoding(
        self, one: Admitted, end_s: float, concurrency: int, finished: list[Finished]
    ) -> None:
        one.first_token_s = end_s
        self.counters.first_tokens += 1
        self.counters.first_token_seconds += end_s - one.arrived_s
        if one.arrival.output_tokens <= 1:
            finished.append(Finished(one.arrival, one.arrived_s, end_s, end_s, concurrency))
            return
        self.context += one.arrival.input_tokens + 1
        row = self.batch
        # One draw a request: some prompts are easy from start to end, so drafts are correlated.
        self._steadiness[row] = drawn(self._draws, self._spread[one.segment])
        to_go = one.arrival.output_tokens - 1
        self._remaining[row] = to_go
        self._least = min(self._least, to_go) if row else to_go
        self._survives[row] = self._curves[one.segment] ** self._steadiness[row]
        self._falls.append((-self._survives[row]).tolist())
        self._rows.append(one)
        self.segment_counts[one.segment] += 1
        self.batch = row + 1

    def _draft(self, tokens: int) -> None:
        """Drafts for the next step; a request never drafts beyond its last token."""
        self._verifies = tokens
        batch = self.batch
        if not batch:
            return
        self._ragged = False
        if tokens and self._least <= tokens:
            remaining = self._remaining[:batch]
            self._least = int(remaining.min())
            self._ragged = self._least <= tokens
            if self._ragged:
                self._drafted[:batch] = np.minimum(tokens, remaining - 1)

    def _count(
        self,
        batch: int,
        tokens: int,
        drafted_next: int,
        seconds: float,
        prefill: int,
        verified: int,
        generated: int,
    ) -> None:
        counters = self.counters
        counters.iterations += 1
        counters.request_steps += batch
        counters.request_step_seconds += batch * seconds
        counters.generated_tokens += generated
        counters.prefill_tokens += prefill
        if batch:
            counters.cells.add(
                batch=batch,
                depth=tokens,
                drafting=drafted_next,
                steady=batch == self._last_batch,
                seconds=seconds,
                context_tokens=float(self.context),
                prefill_tokens=prefill,
                verified_tokens=verified,
            )
        self._last_batch = batch
