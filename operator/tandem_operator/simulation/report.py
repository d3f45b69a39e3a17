"""Compares policies on one world: latency first, then throughput and regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tandem_operator.simulation.account import Account
from tandem_operator.simulation.latency import by_concurrency, by_output_length, latency_of
from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import Policy, best_schedule
from tandem_operator.simulation.run import World

TEN_MINUTES_S = 600.0


@dataclass(frozen=True)
class Outcome:
    """One policy's run."""

    policy: Policy
    account: Account
    wall_s: float


def report_of(world: World, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A JSON document; times in seconds, shares in percent."""
    return {
        "trace": world.trace.name,
        "requests": None if world.trace.concurrency else len(world.trace.arrivals),
        "horizon_s": world.horizon_s,
        "scrape_s": world.scrape_s,
        "counters": "plugin" if world.plugin else "stock",
        "seed": world.seed,
        "stops_helping_at": stops_helping_at(world),
        "policies": {outcome.policy.name: outcome_of(outcome) for outcome in outcomes},
    }


def outcome_of(outcome: Outcome) -> dict[str, Any]:
    account = outcome.account
    latency = latency_of(account.finished)
    return {
        "requests_finished": len(account.finished),
        "request_latency": None if latency is None else asdict(latency),
        "by_concurrency": _groups(by_concurrency(account.finished)),
        "by_output_length": _groups(by_output_length(account.finished)),
        "tokens_per_s": account.generated_tokens / account.end_s if account.end_s else 0.0,
        "tokens_per_busy_s": account.generated_tokens / account.busy_s if account.busy_s else 0.0,
        "regret_percent": 100 * account.regret,
        "first_minutes_regret_percent": 100 * account.first_regret,
        "worst_ten_minutes_against_off_percent": 100 * worst_against_off(account),
        "table_changes": outcome.policy.changes,
        "simulated_s": account.end_s,
        "wall_s": outcome.wall_s,
    }


def worst_against_off(account: Account) -> float:
    """Largest share of time, over any ten minutes, by which a run was slower than K = 0.

    The time of K = 0 for the same tokens is the oracle's time plus what K = 0 loses. Negative:
    quicker in every ten minutes.
    """
    worst = -1.0
    moments = account.timeline
    start = 0
    busy_s = off_s = 0.0
    for moment in moments:
        busy_s += moment.busy_s
        off_s += moment.busy_s - moment.loss_s + moment.off_loss_s
        while moment.now_s - moments[start].now_s > TEN_MINUTES_S:
            early = moments[start]
            busy_s -= early.busy_s
            off_s -= early.busy_s - early.loss_s + early.off_loss_s
            start += 1
        if moment.now_s - moments[start].now_s > TEN_MINUTES_S / 2 and off_s > 1.0:
            worst = max(worst, busy_s / off_s - 1.0)
    return worst


def stops_helping_at(world: World) -> int | None:
    """The smallest batch where K = 0 is best at the start of the run; None: it always helps."""
    schedule = best_schedule(Oracle(world.truth, world.tiers), world.survival_at(0.0))
    return next((start for start, _, tokens in schedule if tokens == 0), None)


def _groups(groups: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asdict(latency) for name, latency in groups.items()}
