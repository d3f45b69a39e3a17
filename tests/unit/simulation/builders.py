"""Small worlds whose best K is known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tandem_operator.simulation.results.interval import Moment
from tandem_operator.simulation.run import World
from tandem_operator.simulation.world.load.loops import closed_loop
from tandem_operator.simulation.world.truth import Floats, Truth

DENSE = Truth(
    base_s=0.010,
    token_s=2e-5,
    draft_pass_s=0.0008,
    knee_tokens=150,
    knee_token_s=7e-5,
    draft_start_s=0.0005,
    sync_s=0.0004,
    prefill_s=2e-6,
)


def survival(hazard: float, deepest: int = 7) -> Mapping[str, Floats]:
    return {"other": np.power(hazard, np.arange(1, deepest + 1), dtype=np.float64)}


def world(concurrency: int, hazard: float, horizon_s: float = 20.0, **other: object) -> World:
    curves = survival(hazard)
    values: dict[str, object] = {
        "trace": closed_loop(concurrency, requests=2000),
        "truth": DENSE,
        "survival_at": lambda _: curves,
        "tiers": tuple(range(8)),
        "horizon_s": horizon_s,
    }
    return World(**(values | other))  # type: ignore[arg-type]


def moment(now_s: float, **other: object) -> Moment:
    """A scrape interval of four requests, busy without a loss."""
    values: dict[str, object] = {
        "now_s": now_s,
        "running": 4,
        "waiting": 0,
        "steps": 100,
        "generated_tokens": 1000,
        "tokens": 3.0,
        "best_tokens": 3.0,
        "acceptance_rate": 0.7,
        "time_per_token_s": 0.01,
        "busy_s": 10.0,
        "loss_s": 0.0,
        "used_s": 10.0,
        "off_s": 10.0,
        "bare_s": 10.0,
    }
    return Moment(**(values | other))  # type: ignore[arg-type]
