"""How much faster the tuner was than fixed K, and how sure that is. Pure.

A rate is tokens/s of one block. The best fixed K is picked on one half of the rounds and scored on
the other, both ways round, so that luck in the picking does not count against the tuner twice or
for it once. Intervals are percentiles of a bootstrap that draws blocks again within each setting
and half, the picking included (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
chapter 13).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rates = Mapping[str, Mapping[str, Sequence[float]]]
"""Tokens/s by phase and setting, a value a round, in the order of the rounds."""

RESAMPLES = 2000
RESOLVED_WITHIN = 0.05
"""A wider A/A interval says that the machine was too noisy to tell."""


@dataclass(frozen=True)
class Ratio:
    """A ratio and its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def width(self) -> float:
        return self.high - self.low


class TooFewRoundsError(ValueError):
    """A half of the rounds would be empty."""


def against_best(rates: Rates, phase: str, setting: str, fixed: Sequence[str]) -> Ratio:
    """Median of `setting` over that of the best of `fixed`, in one phase."""
    return against_best_over_all({phase: rates[phase]}, setting, fixed)


def against_best_over_all(rates: Rates, setting: str, fixed: Sequence[str]) -> Ratio:
    """The same where one fixed K must do for all phases; phases count alike (geometric mean)."""
    drawn = _halves(rates, (setting, *fixed))

    def log_ratio(halves: tuple[Floats, Floats]) -> float:
        found = []
        for picked_on, scored_on in (halves, halves[::-1]):
            best = 1 + int(np.argmax(_log_medians(picked_on)[:, 1:].mean(axis=0)))
            scores = _log_medians(scored_on).mean(axis=0)
            found.append(float(scores[0] - scores[best]))
        return sum(found) / len(found)

    return _interval(drawn, log_ratio)


def against(rates: Rates, phase: str, setting: str, other: str) -> Ratio:
    """Median of one setting over that of another, all rounds."""
    drawn = _halves({phase: rates[phase]}, (setting, other))

    def log_ratio(halves: tuple[Floats, Floats]) -> float:
        medians = _log_medians(np.concatenate(halves, axis=2))[0]
        return float(medians[0] - medians[1])

    return _interval(drawn, log_ratio)


def control(rates: Rates, phase: str, fixed: Sequence[str], seed: int = 0) -> Ratio:
    """A/A: what two runs of one and the same setting would differ by.

    Blocks of every fixed setting over their own median; two sets of as many as a setting has are
    drawn from them again and again.
    """
    by_setting = [np.asarray(rates[phase][name], dtype=np.float64) for name in fixed]
    pool = np.concatenate([values / np.median(values) for values in by_setting])
    size = min(map(len, by_setting))
    draw = np.random.default_rng(seed)
    left, right = (
        np.median(pool[draw.integers(len(pool), size=(RESAMPLES, size))], axis=1) for _ in range(2)
    )
    low, middle, high = np.quantile(left / right, (0.025, 0.5, 0.975))
    return Ratio(float(middle), float(low), float(high))


def _halves(rates: Rates, settings: Sequence[str]) -> tuple[Floats, Floats]:
    """Even and odd rounds, each of shape (phases, settings, rounds of the half)."""
    rounds = min(len(by_setting[name]) for by_setting in rates.values() for name in settings)
    if rounds < 2:
        raise TooFewRoundsError(f"{rounds} finished rounds: two are needed to pick and to score")
    table = np.array(
        [[list(by[name])[:rounds] for name in settings] for by in rates.values()], dtype=np.float64
    )
    return table[:, :, 0::2], table[:, :, 1::2]


def _log_medians(table: Floats) -> Floats:
    logs: Floats = np.log(np.median(table, axis=2))
    return logs


def _interval(
    halves: tuple[Floats, Floats],
    log_ratio: Callable[[tuple[Floats, Floats]], float],
    seed: int = 0,
) -> Ratio:
    draw = np.random.default_rng(seed)

    def again(half: Floats) -> Floats:
        picks = draw.integers(half.shape[2], size=half.shape)
        taken: Floats = np.take_along_axis(half, picks, axis=2)
        return taken

    drawn = [log_ratio((again(halves[0]), again(halves[1]))) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Ratio(*(float(np.exp(value)) for value in (log_ratio(halves), low, high)))
