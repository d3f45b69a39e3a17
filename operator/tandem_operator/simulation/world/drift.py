"""How acceptance changes in a run: survival by time, the same object as long as nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tandem_operator.simulation.run import Survival, SurvivalAt
from tandem_operator.simulation.world.draws import Floats

STEP_S = 10.0
Shift = Callable[[float, np.random.Generator], float]


class DriftError(ValueError):
    """A drift's name is not known; the message lists those that are."""


def drifting(survival: Survival, name: str, seed: int, horizon_s: float) -> SurvivalAt:
    """Survival by time. A drift shifts every hazard by the same log-odds.

    none; collapse: the middle third at -2.5; decay: from a sixth on down to -2.5 at the end; swing:
    a sine of 1.5 in 20 minutes; classes: every 2 to 8 minutes another of 0, -1, -2.5.
    """
    if name not in DRIFTS:
        raise DriftError(f"drift {name!r} is not known: give one of {', '.join(DRIFTS)}")
    levels = DRIFTS[name](np.random.default_rng([seed, 77]), horizon_s)
    known: dict[float, Survival] = {0.0: survival}

    def survival_at(now_s: float) -> Survival:
        level = levels[min(int(now_s / STEP_S), len(levels) - 1)]
        if level not in known:
            known[level] = {segment: shifted(curve, level) for segment, curve in survival.items()}
        return known[level]

    return survival_at


def shifted(curve: Floats, log_odds: float) -> Floats:
    """Survival when the odds of each hazard are multiplied by exp(log_odds)."""
    before = np.concatenate(([1.0], curve[:-1]))
    hazards = np.clip(curve / np.maximum(before, 1e-12), 1e-6, 1 - 1e-6)
    odds = hazards / (1 - hazards) * np.exp(log_odds)
    return np.asarray(np.cumprod(odds / (1 + odds)))


def _times(horizon_s: float) -> Floats:
    return np.arange(0.0, horizon_s + STEP_S, STEP_S)


def _none(rng: np.random.Generator, horizon_s: float) -> list[float]:
    return [0.0]


def _collapse(rng: np.random.Generator, horizon_s: float) -> list[float]:
    times = _times(horizon_s) / horizon_s
    return [-2.5 if 1 / 3 <= time < 2 / 3 else 0.0 for time in times]


def _decay(rng: np.random.Generator, horizon_s: float) -> list[float]:
    times = _times(horizon_s) / horizon_s
    return [round(float(level), 2) for level in -2.5 * np.clip((times - 1 / 6) / (5 / 6), 0, 1)]


def _swing(rng: np.random.Generator, horizon_s: float) -> list[float]:
    times = _times(horizon_s)
    levels = 0.75 * (np.cos(2 * np.pi * times / 1200.0) - 1.0)
    return [round(float(level), 2) for level in levels]


def _classes(rng: np.random.Generator, horizon_s: float) -> list[float]:
    levels: list[float] = []
    while len(levels) * STEP_S < horizon_s:
        level = float(rng.choice([0.0, -1.0, -2.5]))
        levels += [level] * int(rng.integers(12, 48))
    return levels


DRIFTS: Mapping[str, Callable[[np.random.Generator, float], list[float]]] = {
    "none": _none,
    "collapse": _collapse,
    "decay": _decay,
    "swing": _swing,
    "classes": _classes,
}
