"""One simulated engine: continuous batching with chunked prefill, one step at a time.

A step verifies what the step before drafted and drafts the next K, as the real engine does: a new K
is felt one step later.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tandem_operator.simulation.counters import Counters
from tandem_operator.simulation.trace import Arrival
from tandem_operator.simulation.truth import Truth

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """What the engine was started with."""

    max_running: int = 256
    step_tokens: int = 2048  # budget of decode and prefill tokens of one step


@dataclass(slots=True)
class Running:
    """A request that was admitted."""

    arrival: Arrival
    arrived_s: float
    remaining: int
    prefill: int
    steadiness: float
    drafted: int = 0
    first_token_s: float = -1.0


@dataclass(frozen=True, slots=True)
class Finished:
    """A request that ended: its latency is `end_s - arrived_s`, all in seconds."""

    arrival: Arrival
    arrived_s: float
    first_token_s: float
    end_s: float
    concurrency: int


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did; `batch` counts decoding requests, `tokens` is the K that it verified."""

    seconds: float
    batch: int
    tokens: int
    prefill: int
    context: float
    generated: int
    finished: tuple[Finished, ...]


class Replica:
    """State of one engine. `survival[segment][i]` is P(the first i+1 drafts are accepted)."""

    def __init__(
        self, truth: Truth, max_tokens: int, rng: np.random.Generator, limits: Limits
    ) -> None:
        self.truth = truth
        self.counters = Counters(max_tokens)
        self.waiting: deque[tuple[Arrival, float]] = deque()
        self.running: list[Running] = []
        self.context = 0
        self._rng = rng
        self._limits = limits
        self._before: tuple[int, int] = (-1, -1)

    @property
    def idle(self) -> bool:
        return not self.running and not self.waiting

    def submit(self, arrival: Arrival, now_s: float) -> None:
        self.waiting.append((arrival, now_s))

    def expected_prefill(self) -> int:
        """Prefill tokens that the next step is expected to carry."""
        pending = sum(request.prefill for request in self.running)
        free = self._limits.max_running - len(self.running)
        pending += sum(arrival.input_tokens for arrival, _ in list(self.waiting)[:free])
        return min(pending, self._limits.step_tokens)

    def decoding(self) -> int:
        return sum(1 for request in self.running if request.prefill == 0)

    def step(self, now_s: float, drafted_next: int, survival: Mapping[str, Floats]) -> Step:
        """Run one step; `drafted_next` is K for the drafts that the next step verifies."""
        while self.waiting and len(self.running) < self._limits.max_running:
            arrival, arrived_s = self.waiting.popleft()
            # One draw a request: some texts are easy from start to end, so drafts are correlated.
            steadiness = float(self._rng.gamma(4.0, 0.25))
            self.running.append(
                Running(arrival, arrived_s, arrival.output_tokens, arrival.input_tokens, steadiness)
            )
        decoding = [request for request in self.running if request.prefill == 0]
        verified = sum(request.drafted + 1 for request in decoding)
        prefill, ended_prefill = self._prefill(self._limits.step_tokens - verified)
        accepted = self._verify(decoding, survival)
        tokens = max((request.drafted for request in decoding), default=0)
        batch = len(decoding)
        mean_s = float(
            self.truth.mean_s(
                batch,
                np.array([float(verified)]),
                float(self.context),
                np.array([float(drafted_next if batch else 0)]),
                float(prefill),
            )[0]
        )
        seconds = self.truth.noisy_s(mean_s, self._rng)
        end_s = now_s + seconds
        generated, finished = self._advance(decoding, accepted, ended_prefill, now_s, end_s)
        generated += len(ended_prefill)
        self._count(batch, tokens, drafted_next, seconds, prefill, verified, generated)
        for request in self.running:
            request.drafted = (
                min(drafted_next, max(0, request.remaining - 1)) if not request.prefill else 0
            )
        return Step(seconds, batch, tokens, prefill, float(self.context), generated, finished)

    def _prefill(self, budget: int) -> tuple[int, list[Running]]:
        spent, ended = 0, []
        for request in self.running:
            if request.prefill and budget > 0:
                chunk = min(request.prefill, budget)
                request.prefill -= chunk
                budget -= chunk
                spent += chunk
                if request.prefill == 0:
                    ended.append(request)
        return spent, ended

    def _verify(self, decoding: list[Running], survival: Mapping[str, Floats]) -> list[int]:
        """Accepted drafts of each request: L >= i+1 exactly when u < s_i ** steadiness."""
        draws = self._rng.random(len(decoding))
        accepted = []
        lengths: dict[int, list[int]] = {}
        for request, draw in zip(decoding, draws, strict=True):
            if not request.drafted:
                accepted.append(0)
                continue
            curve = survival.get(request.arrival.segment)
            curve = next(iter(survival.values())) if curve is None else curve
            bar = draw ** (1.0 / request.steadiness)
            taken = min(int(np.count_nonzero(curve[: request.drafted] > bar)), request.drafted)
            accepted.append(taken)
            lengths.setdefault(request.drafted, []).append(taken)
        for drafted, takens in lengths.items():
            by_position = [sum(1 for taken in takens if taken > place) for place in range(drafted)]
            self.counters.count_drafts(drafted, len(takens), by_position)
        return accepted

    def _advance(
        self,
        decoding: list[Running],
        accepted: list[int],
        ended_prefill: list[Running],
        now_s: float,
        end_s: float,
    ) -> tuple[int, tuple[Finished, ...]]:
        generated = 0
        concurrency = len(self.running)
        finished: list[Finished] = []
        for request, taken in zip(decoding, accepted, strict=True):
            gained = min(taken + 1, request.remaining)
            request.remaining -= gained
            self.context += gained
            generated += gained
        for request in ended_prefill:
            request.first_token_s = end_s
            request.remaining -= 1
            self.context += request.arrival.input_tokens + 1
            self.counters.first_tokens += 1
            self.counters.first_token_seconds += end_s - request.arrived_s
        for request in self.running:
            if request.remaining <= 0 and request.prefill == 0:
                finished.append(
                    Finished(
                        request.arrival,
                        request.arrived_s,
                        request.first_token_s,
                        end_s,
                        concurrency,
                    )
                )
                self.context -= request.arrival.input_tokens + request.arrival.output_tokens
        if finished:
            self.running = [r for r in self.running if r.remaining > 0 or r.prefill]
        return generated, tuple(finished)

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
        if batch and self._before == (batch, drafted_next) and tokens == drafted_next:
            counters.count_cell(batch, tokens, seconds, float(self.context), prefill, verified)
        self._before = (batch, drafted_next)
