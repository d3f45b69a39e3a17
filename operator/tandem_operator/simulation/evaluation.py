"""How good the tuner is on cases drawn from seeds: profile, its truth bent, load, drift.

`python -m tandem_operator.simulation.evaluation --profiles examples/profiles --seeds 1-12` prints a
line a case and the mean and worst of all. Use seeds that were not used in development.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tandem_operator.simulation.drift import DRIFTS, drifting
from tandem_operator.simulation.policies import Tuned
from tandem_operator.simulation.profile import Engine, read_profile
from tandem_operator.simulation.report import worst_against_off
from tandem_operator.simulation.run import World, run
from tandem_operator.simulation.synthetic import SYNTHETIC, synthetic_trace
from tandem_operator.simulation.trace import Trace, closed_loop
from tandem_operator.simulation.truth import Truth
from tandem_operator.tuning import Settings

_BENT = ("token_s", "knee_tokens", "knee_token_s", "draft_pass_s", "draft_token_s", "expert_s")
USUAL_ANSWER_TOKENS = 200.0


@dataclass(frozen=True)
class Score:
    """Shares in percent."""

    case: str
    regret: float
    first_regret: float
    changes: int
    worst_against_off: float


def world_of(engine: Engine, seed: int, horizon_s: float, scrape_s: float, plugin: bool) -> World:
    """A case: each cost is bent by up to 40 %, load and drift are drawn."""
    rng = np.random.default_rng([seed, 1])
    bent = {name: getattr(engine.truth, name) * float(rng.uniform(0.7, 1.4)) for name in _BENT}
    truth = replace(
        engine.truth,
        **bent,
        noise=float(rng.uniform(0.02, 0.1)),
        cliff=float(rng.uniform(0.0, 0.2)),
    )
    drift = str(rng.choice(list(DRIFTS)))
    return World(
        trace=_load(truth, rng, seed, horizon_s, tuple(engine.survival)),
        truth=truth,
        survival_at=drifting(engine.survival, drift, seed, horizon_s),
        tiers=tuple(range(engine.max_tokens + 1)),
        limits=engine.limits,
        scrape_s=scrape_s,
        plugin=plugin,
        horizon_s=horizon_s,
        seed=seed,
    )


def score(engine: Engine, world: World, stabilization_s: float, start_profile: bool) -> Score:
    policy = Tuned(
        "goodput",
        Settings(
            max_tokens=engine.max_tokens,
            mixture_of_experts=engine.mixture_of_experts,
            stabilization_s=stabilization_s,
            profile=engine.document if start_profile else None,
        ),
    )
    account = run(world, policy)
    return Score(
        case=f"{engine.name[:28]}, {world.trace.name}",
        regret=100 * account.regret,
        first_regret=100 * account.first_regret,
        changes=policy.changes,
        worst_against_off=100 * worst_against_off(account),
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Score the tuner on cases drawn from seeds.")
    parser.add_argument("--profiles", type=Path, required=True, help="folder of profiles")
    parser.add_argument("--seeds", default="1-12", help="first-last")
    parser.add_argument("--horizon", type=float, default=3600.0, help="simulated seconds a case")
    parser.add_argument("--scrape", type=float, default=2.0)
    parser.add_argument("--stabilization", type=float, default=30.0)
    parser.add_argument("--stock", action="store_true", help="the engine's own counters alone")
    parser.add_argument("--start-profile", action="store_true", help="the profile before bending")
    arguments = parser.parse_args(argv)
    engines = [read_profile(path) for path in sorted(arguments.profiles.glob("*.json"))]
    first, last = (int(part) for part in arguments.seeds.split("-"))
    scores = []
    for seed in range(first, last + 1):
        engine = engines[seed % len(engines)]
        world = world_of(engine, seed, arguments.horizon, arguments.scrape, not arguments.stock)
        one = score(engine, world, arguments.stabilization, arguments.start_profile)
        scores.append(one)
        print(
            f"{seed:4d} regret {one.regret:5.2f} %  first minutes {one.first_regret:5.2f} %  "
            f"changes {one.changes:3d}  worst against off {one.worst_against_off:6.1f} %  "
            f"{one.case}",
            flush=True,
        )
    regrets = [one.regret for one in scores]
    starts = [one.first_regret for one in scores]
    print(
        f"{len(scores)} cases: regret mean {np.mean(regrets):.2f} %, worst {max(regrets):.2f} %; "
        f"first minutes mean {np.mean(starts):.2f} %, worst {max(starts):.2f} %; "
        f"changes mean {np.mean([one.changes for one in scores]):.1f}, "
        f"most {max(one.changes for one in scores)}"
    )
    return 0


def _load(
    truth: Truth, rng: np.random.Generator, seed: int, horizon_s: float, segments: tuple[str, ...]
) -> Trace:
    """A closed loop, or a synthetic trace at 10 to 60 % of what K=0 serves at 32 requests."""
    kind = str(rng.choice(["closed", *SYNTHETIC]))
    if kind == "closed":
        return closed_loop(int(rng.choice([1, 2, 4, 8, 16, 32, 64])), segments, seed, 100_000)
    step_s = truth.step_s(32, 32, 32 * 800.0, 0, 0)
    rate = float(rng.uniform(0.1, 0.6)) * 32 / step_s / USUAL_ANSWER_TOKENS
    prefill_s = truth.step_s(0, 0, 0.0, 0, 2048) / 2048 * 700
    return synthetic_trace(kind, min(rate, 0.4 / prefill_s), horizon_s, seed)


if __name__ == "__main__":
    sys.exit(main())
