"""Compares policies on one world: latency first, then throughput and regret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import Policy, best_schedule
from tandem_operator.simulation.results.account import Account
from tandem_operator.simulation.results.latency import (
    by_concurrency,
    by_output_length,
    latency_of,
)
from tandem_operator.simulation.run import World
from tandem_operator.simulation.scoring.harm import Harm, worst_of


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
        "draft_loaded": outcome.policy.loaded,
        "tax_of_idle_draft_percent": 100 * account.tax,
        "worst_ten_minutes": _harm(worst_of(account.timeline)),
        "table_changes": outcome.policy.changes,
        "simulated_s": account.end_s,
        "wall_s": outcome.wall_s,
    }


def stops_helping_at(world: World) -> int | None:
    """The smallest batch where K = 0 is best at the start of the run; None: it always helps."""
    schedule = best_schedule(Oracle(world.truth, world.tiers), world.survival_at(0.0))
    return next((start for start, _, tokens in schedule if tokens == 0), None)


def _harm(harm: Harm | None) -> dict[str, float] | None:
    """Percent by which a run was slower than K = 0 in its worst ten minutes."""
    if harm is None:
        return None
    return {
        "against_removed_percent": 100 * harm.against_bare,
        "tax_of_idle_draft_percent": 100 * harm.tax,
        "against_off_percent": 100 * ((1 + harm.against_bare) / (1 + harm.tax) - 1),
    }


def _groups(groups: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asdict(latency) for name, latency in groups.items()}
