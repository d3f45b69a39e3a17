"""Scores the tuner on one case: its load, its first minutes with a start profile, and collapses."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tandem_operator.simulation.oracle import Knowledge, Oracle
from tandem_operator.simulation.policies import Clairvoyant, Tuned
from tandem_operator.simulation.run import run
from tandem_operator.simulation.scoring.answers import answers_of, changes_of
from tandem_operator.simulation.scoring.cases import alternating_world, world_of
from tandem_operator.simulation.scoring.harm import worst_of
from tandem_operator.simulation.scoring.scores import Score
from tandem_operator.simulation.world.profile import Engine
from tandem_operator.tuning import Settings

ANSWERS_S = 900.0
START_S = 121.0
COUNTERS = ("plugin", "stock")


@dataclass(frozen=True)
class Setup:
    """One way to run the tuner; all cases are run with each."""

    counters: str
    stabilization_s: float
    scrape_s: float

    @property
    def stock(self) -> bool:
        return self.counters == "stock"

    def __str__(self) -> str:
        return f"{self.counters}, {self.stabilization_s:g} s, scrape {self.scrape_s:g} s"


def score(engine: Engine, seed: int, setup: Setup, horizon_s: float) -> Score:
    """Four runs of one case: its load twice, the start with a profile, and collapses."""
    plugin = not setup.stock
    world = world_of(engine, seed, horizon_s, setup.scrape_s, plugin)
    policy = tuned(engine, setup, start_profile=False)
    account = run(world, policy)
    start = replace(world, horizon_s=min(START_S, horizon_s))
    informed = run(start, tuned(engine, setup, start_profile=True))
    steady = alternating_world(engine, seed, ANSWERS_S, setup.scrape_s, plugin)
    answering = tuned(engine, setup, start_profile=False)
    timeline = run(steady, answering).timeline
    return Score(
        seed=seed,
        case=f"{engine.name[:28]}, {world.trace.name}",
        regret=100 * account.regret,
        floor=100 * run(world, Clairvoyant("informed", Knowledge.TEXTS)).regret,
        first_regret=100 * account.first_regret,
        start_regret=100 * informed.first_regret,
        changes=policy.changes * 3600.0 / horizon_s,
        harm=worst_of(account.timeline),
        answers=answers_of(
            changes_of(steady.survival_at, ANSWERS_S),
            timeline,
            answering.depth_at,
            Oracle(steady.truth, steady.tiers),
        ),
    )


def tuned(engine: Engine, setup: Setup, *, start_profile: bool) -> Tuned:
    return Tuned(
        "goodput",
        Settings(
            max_tokens=engine.max_tokens,
            mixture_of_experts=engine.mixture_of_experts,
            stabilization_s=setup.stabilization_s,
            profile=engine.document if start_profile else None,
        ),
    )
