"""Runs one policy over one trace and accounts for every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import Policy
from tandem_operator.simulation.results.account import Account, Book
from tandem_operator.simulation.world.counters import window_between
from tandem_operator.simulation.world.draws import Draws, Floats
from tandem_operator.simulation.world.load.source import Source
from tandem_operator.simulation.world.load.trace import Trace
from tandem_operator.simulation.world.replica import Replica
from tandem_operator.simulation.world.requests import Limits
from tandem_operator.simulation.world.steadiness import Spread
from tandem_operator.simulation.world.truth import Truth

Survival = Mapping[str, Floats]
SurvivalAt = Callable[[float], Survival]
"""By time; gives the very same object as long as nothing changed."""
TruthAt = Callable[[float], Truth]
"""The same for step times."""


@dataclass(frozen=True)
class World:
    """Everything that is true in a run, whatever the policy: the engine, its prompts, its load.

    `spread` is how much requests of one segment differ (`steadiness`). Without `truth_at` the
    engine stays as `truth` says.
    """

    trace: Trace
    truth: Truth
    survival_at: SurvivalAt
    tiers: tuple[int, ...]
    limits: Limits = field(default_factory=Limits)
    scrape_s: float = 2.0
    plugin: bool = True
    horizon_s: float = 3600.0
    seed: int = 0
    spread: Spread = field(default_factory=dict)
    truth_at: TruthAt | None = None


def run(world: World, policy: Policy) -> Account:
    """Play the trace under one policy until `horizon_s`, or, but for a loop, until it is served."""
    segments = tuple(dict.fromkeys(arrival.segment for arrival in world.trace.arrivals))
    oracle = Oracle(world.truth, world.tiers)
    truth = world.truth
    replica = Replica(
        _without_unloaded(truth, policy),
        oracle.tiers[-1],
        Draws(world.seed),
        world.limits,
        segments or ("other",),
        world.spread,
    )
    book = Book(oracle, policy.loaded, token_shares(world.trace, segments))
    account = book.account
    source = Source(world.trace)
    now_s, next_scrape_s, scraped_s = 0.0, world.scrape_s, 0.0
    before, rejected = replica.counters.copy(), 0
    survival: Survival | None = None
    while now_s < world.horizon_s:
        source.offer(replica, now_s)
        engine = truth if world.truth_at is None else world.truth_at(now_s)
        if engine is not truth:
            truth = engine
            book.settle()
            book.judge_by(Oracle(truth, world.tiers))
            replica.truth = _without_unloaded(truth, policy)
        current = world.survival_at(now_s)
        if current is not survival:
            survival = current
            book.settle()
            book.believe(oracle.gains(survival, segments or ("other",)))
            replica.believe(survival)
        if replica.idle:
            arrival_s = source.next_s
            if arrival_s is None:
                break
            now_s = min(max(now_s, arrival_s), next_scrape_s)
        else:
            batch, prefill = replica.batch, replica.expected_prefill()
            tokens, following = 0, replica.following()
            if following:
                best = book.best(replica, following, prefill, policy.knows)
                tokens = policy.tokens(following, prefill, best)
            if batch:
                book.record(now_s, batch, replica.context, prefill, tokens, replica.segment_counts)
            step = replica.step(now_s, tokens)
            source.ended(step.finished)
            now_s += step.seconds
            book.served(now_s, step)
        if now_s >= next_scrape_s:
            book.settle()
            window = window_between(
                before,
                replica.counters,
                now_s=now_s,
                duration_s=now_s - scraped_s,
                running=replica.running,
                waiting=len(replica.waiting),
                context_tokens=replica.context,
                plugin=world.plugin,
                loaded=policy.loaded,
            )
            before = replica.counters.copy()
            scraped_s = now_s
            next_scrape_s = now_s + world.scrape_s
            book.close(window, replica.counters.rejections - rejected)
            rejected = replica.counters.rejections
            policy.observe(window)
    book.settle()
    account.end_s = now_s
    return account


def _without_unloaded(truth: Truth, policy: Policy) -> Truth:
    """The engine that the policy asks for: without a draft nothing keeps it in sync."""
    return truth if policy.loaded else replace(truth, sync_s=0.0)


def token_shares(trace: Trace, segments: Sequence[str]) -> list[float]:
    """Each segment's share of the output tokens."""
    tokens = dict.fromkeys(segments, 0)
    for arrival in trace.arrivals:
        tokens[arrival.segment] += arrival.output_tokens
    whole = sum(tokens.values())
    return [tokens[segment] / whole for segment in segments] or [1.0]
