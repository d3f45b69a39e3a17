"""Cases drawn from seeds: a profile's engine with its truth bent, a load, and a drift.

Read by the evaluation alone. A seed gives the same world to every tuner and every setting.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.policies import best_schedule
from tandem_operator.simulation.run import Survival, SurvivalAt, World
from tandem_operator.simulation.world.drift import DRIFTS, STEP_S, drifting, shifted
from tandem_operator.simulation.world.load.loops import closed_loop
from tandem_operator.simulation.world.load.synthetic import SYNTHETIC, synthetic_trace
from tandem_operator.simulation.world.load.trace import Trace
from tandem_operator.simulation.world.profile import Engine
from tandem_operator.simulation.world.truth import Truth
from tandem_operator.tuning.table import tokens_in

# Log-odds of each hazard: an acceptance of 0.65 becomes 0.13, 0.03 or 0.002. The first one
# that turns speculation off is taken.
COLLAPSES = (-2.5, -4.0, -7.0)
_BENT = ("token_s", "knee_tokens", "knee_token_s", "draft_pass_s", "draft_token_s", "expert_s")
_USUAL_ANSWER_TOKENS = 200.0
_CLIENTS = (1, 2, 4, 8, 16, 32, 64)


def world_of(engine: Engine, seed: int, horizon_s: float, scrape_s: float, plugin: bool) -> World:
    """A case: each cost is bent by up to 40 %, load and drift are drawn."""
    rng = np.random.default_rng([seed, 1])
    truth = bent(engine.truth, rng)
    drift = str(rng.choice(list(DRIFTS)))
    return _world(
        engine,
        truth,
        _load(truth, rng, seed, horizon_s, tuple(engine.survival)),
        drifting(engine.survival, drift, seed, horizon_s),
        seed,
        horizon_s,
        scrape_s,
        plugin,
    )


def alternating_world(
    engine: Engine, seed: int, horizon_s: float, scrape_s: float, plugin: bool
) -> World:
    """A steady closed loop where acceptance collapses and comes back every one to three minutes.

    The number of clients is drawn among those where K = 2 or more is best before and 0 after.
    """
    rng = np.random.default_rng([seed, 2])
    truth = bent(engine.truth, rng)
    tiers = tuple(range(engine.max_tokens + 1))
    oracle = Oracle(truth, tiers)
    good = best_schedule(oracle, engine.survival)
    for level in COLLAPSES:
        fallen = {name: shifted(curve, level) for name, curve in engine.survival.items()}
        bad = best_schedule(oracle, fallen)
        fitting = [
            clients
            for clients in _CLIENTS
            if clients <= engine.limits.max_running
            and tokens_in(good, clients) >= 2
            and tokens_in(bad, clients) == 0
        ]
        if fitting:
            break
    segments = tuple(engine.survival)
    return _world(
        engine,
        truth,
        closed_loop(int(rng.choice(fitting or [1])), segments, seed),
        _alternating(engine.survival, fallen, rng, horizon_s),
        seed,
        horizon_s,
        scrape_s,
        plugin,
    )


def bent(truth: Truth, rng: np.random.Generator) -> Truth:
    """The same engine with each cost 0.7 to 1.4 times as high, another noise and cliff."""
    costs = {name: getattr(truth, name) * float(rng.uniform(0.7, 1.4)) for name in _BENT}
    return replace(
        truth, **costs, noise=float(rng.uniform(0.02, 0.1)), cliff=float(rng.uniform(0.0, 0.2))
    )


def _world(
    engine: Engine,
    truth: Truth,
    trace: Trace,
    survival_at: SurvivalAt,
    seed: int,
    horizon_s: float,
    scrape_s: float,
    plugin: bool,
) -> World:
    return World(
        trace=trace,
        truth=truth,
        survival_at=survival_at,
        tiers=tuple(range(engine.max_tokens + 1)),
        limits=engine.limits,
        spread=engine.spread,
        scrape_s=scrape_s,
        plugin=plugin,
        horizon_s=horizon_s,
        seed=seed,
    )


def _alternating(
    high: Survival, low: Survival, rng: np.random.Generator, horizon_s: float
) -> SurvivalAt:
    levels: list[Survival] = []
    while len(levels) * STEP_S < horizon_s:
        levels += [high] * int(rng.integers(9, 19)) + [low] * int(rng.integers(6, 19))

    def survival_at(now_s: float) -> Survival:
        return levels[min(int(now_s / STEP_S), len(levels) - 1)]

    return survival_at


def _load(
    truth: Truth, rng: np.random.Generator, seed: int, horizon_s: float, segments: tuple[str, ...]
) -> Trace:
    """A closed loop, or a synthetic trace at 10 to 60 % of what K=0 serves at 32 requests."""
    kind = str(rng.choice(["closed", *SYNTHETIC]))
    if kind == "closed":
        return closed_loop(int(rng.choice(_CLIENTS)), segments, seed)
    share = float(rng.uniform(0.1, 0.6))
    return synthetic_trace(kind, requests_per_s(truth, share), horizon_s, seed)


def requests_per_s(truth: Truth, share: float) -> float:
    """Usual requests a second that ask for this share of the tokens that K=0 makes at 32 requests.

    Fewer where their prompts would take more than 40 % of the time.
    """
    step_s = truth.step_s(32, 32, 32 * 800.0, 0, 0)
    rate = share * 32 / step_s / _USUAL_ANSWER_TOKENS
    prefill_s = truth.step_s(0, 0, 0.0, 0, 2048) / 2048 * 700
    return min(rate, 0.4 / prefill_s)
