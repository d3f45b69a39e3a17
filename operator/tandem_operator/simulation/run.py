"""Runs one policy over one trace and accounts for every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tandem_operator.simulation.counters import window_between
from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import Policy
from tandem_operator.simulation.replica import Finished, Limits, Replica
from tandem_operator.simulation.trace import Trace
from tandem_operator.simulation.truth import Truth
from tandem_operator.tuning import Window

Floats = npt.NDArray[np.float64]
Survival = Mapping[str, Floats]
SurvivalAt = Callable[[float], Survival]


@dataclass(frozen=True)
class World:
    """Everything that is true in a run, whatever the policy: the engine, its texts, its load."""

    trace: Trace
    truth: Truth
    survival_at: SurvivalAt
    tiers: tuple[int, ...]
    limits: Limits = field(default_factory=Limits)
    scrape_s: float = 2.0
    plugin: bool = True
    horizon_s: float = 3600.0
    seed: int = 0


@dataclass
class Account:
    """What a run came to. Seconds are of busy engine time but for `end_s`, the wall clock.

    `first_loss_s` and `first_busy_s` are of the first two minutes; `off_loss_s` is what K = 0 would
    have lost in the same states.
    """

    busy_s: float = 0.0
    loss_s: float = 0.0
    first_busy_s: float = 0.0
    first_loss_s: float = 0.0
    off_loss_s: float = 0.0
    steps: int = 0
    generated_tokens: int = 0
    end_s: float = 0.0
    finished: list[Finished] = field(default_factory=list)
    timeline: list[Moment] = field(default_factory=list)

    @property
    def regret(self) -> float:
        """1 - the oracle's time for the same tokens from the same states / the time used."""
        return self.loss_s / self.busy_s if self.busy_s else 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One scrape interval, for plots and for what happened when.

    `tokens` and `best_tokens` are the mean K used and the oracle's over decoding steps. Seconds of
    loss are against the oracle: of the policy, and of K = 0 in the same states.
    """

    now_s: float
    running: int
    waiting: int
    tokens: float
    best_tokens: float
    acceptance_rate: float | None
    time_per_token_s: float | None
    busy_s: float
    loss_s: float
    off_loss_s: float


def run(world: World, policy: Policy) -> Account:
    """Play the trace under one policy until `horizon_s` or until it is served."""
    rng = np.random.default_rng(world.seed)
    oracle = Oracle(world.truth, world.tiers)
    replica = Replica(world.truth, world.tiers[-1], rng, world.limits)
    account = Account()
    pending = iter(world.trace.arrivals)
    following = next(pending, None)
    closed = world.trace.concurrency
    now_s, next_look_s, looked_s = 0.0, world.scrape_s, 0.0
    before = replica.counters.copy()
    interval, rejected = Interval(), 0
    while now_s < world.horizon_s:
        while following is not None and (
            len(replica.running) + len(replica.waiting) < closed
            if closed
            else following.arrival_s <= now_s
        ):
            replica.submit(following, now_s if closed else following.arrival_s)
            following = next(pending, None)
        survival = world.survival_at(now_s)
        if replica.idle:
            if following is None:
                break
            now_s = min(max(now_s, following.arrival_s), next_look_s)
        else:
            batch, prefill = replica.decoding(), replica.expected_prefill()
            tokens = best = 0
            loss_s = off_s = 0.0
            if batch:
                gains = oracle.gains(segment_shares(replica), survival)
                losses_s = oracle.losses_s(batch, float(replica.context), float(prefill), gains)
                best = oracle.best_of(losses_s)
                tokens = policy.tokens(batch, prefill, best)
                loss_s = float(losses_s[oracle.place(tokens)])
                off_s = float(losses_s[0])
            step = replica.step(now_s, tokens, survival)
            now_s += step.seconds
            account.steps += 1
            account.busy_s += step.seconds
            account.loss_s += loss_s
            account.off_loss_s += off_s
            if now_s < 120.0:
                account.first_busy_s += step.seconds
                account.first_loss_s += loss_s
            account.generated_tokens += step.generated
            account.finished.extend(step.finished)
            interval.add(step.seconds, loss_s, off_s, tokens, best, batch)
        if now_s >= next_look_s:
            window = window_between(
                before,
                replica.counters,
                now_s=now_s,
                duration_s=now_s - looked_s,
                running=len(replica.running),
                waiting=len(replica.waiting),
                context_tokens=replica.context,
                plugin=world.plugin,
            )
            before = replica.counters.copy()
            looked_s = now_s
            next_look_s = now_s + world.scrape_s
            account.timeline.append(interval.moment(window, replica.counters.rejections - rejected))
            rejected = replica.counters.rejections
            interval = Interval()
            policy.look(window)
    account.end_s = now_s
    return account


def segment_shares(replica: Replica) -> dict[str, float]:
    """Share of each segment among the decoding requests."""
    counts: dict[str, int] = {}
    for request in replica.running:
        if not request.prefill:
            counts[request.arrival.segment] = counts.get(request.arrival.segment, 0) + 1
    total = sum(counts.values())
    return {segment: count / total for segment, count in counts.items()}


@dataclass
class Interval:
    """Sums over the steps of one scrape interval."""

    seconds: float = 0.0
    loss_s: float = 0.0
    off_loss_s: float = 0.0
    steps: int = 0
    tokens: int = 0
    best: int = 0

    def add(
        self, seconds: float, loss_s: float, off_loss_s: float, tokens: int, best: int, batch: int
    ) -> None:
        self.seconds += seconds
        if batch:
            self.loss_s += loss_s
            self.off_loss_s += off_loss_s
            self.steps += 1
            self.tokens += tokens
            self.best += best

    def moment(self, window: Window, rejections: int) -> Moment:
        steps = max(1, self.steps)
        accepted = sum(window.accepted_by_position)
        judged = accepted + rejections
        decoded = window.generated_tokens - window.first_tokens
        return Moment(
            now_s=window.now_s,
            running=int(window.running),
            waiting=int(window.waiting),
            tokens=self.tokens / steps,
            best_tokens=self.best / steps,
            acceptance_rate=accepted / judged if judged else None,
            time_per_token_s=window.request_step_seconds / decoded if decoded > 0 else None,
            busy_s=self.seconds,
            loss_s=self.loss_s,
            off_loss_s=self.off_loss_s,
        )
