"""How much faster the tuner was than fixed K, and how sure that is. Pure.

A rate is tokens/s of one block. A machine's speed drifts in minutes by more than two settings
differ, so blocks are compared within their round alone: a round has one ratio (over several phases
their geometric mean), and the median over rounds is told. The best fixed K is picked on one half of
the rounds and scored on the other, both ways round, so that luck in the picking does not count
against the tuner twice or for it once. Intervals are percentiles of a bootstrap that draws rounds
again within each half, the picking included (Efron and Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13).
"""

from __future__ import annotations

import math
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


def against_best(rates: Rates, setting: str, fixed: Sequence[str]) -> Ratio:
    """`setting` over the one of `fixed` that does best in all of these phases together."""
    logs = _logs(rates, (setting, *fixed))

    def medians(drawn: Sequence[Floats]) -> Floats:
        values = []
        for scored_on, picked_on in (drawn, drawn[::-1]):
            best = 1 + np.argmax(picked_on[:, :, 1:].mean(axis=(1, 3)), axis=1)
            of_best = np.take_along_axis(scored_on, best[:, None, None, None], axis=2)
            values.append((scored_on[:, :, 0] - of_best[:, :, 0]).mean(axis=1))
        return np.asarray(np.median(np.concatenate(values, axis=1), axis=1))

    return _interval((logs[:, :, 0::2], logs[:, :, 1::2]), medians)


def against(rates: Rates, setting: str, other: str) -> Ratio:
    """One setting over another in all of these phases together."""

    def medians(drawn: Sequence[Floats]) -> Floats:
        (logs,) = drawn
        return np.asarray(np.median((logs[:, :, 0] - logs[:, :, 1]).mean(axis=1), axis=1))

    return _interval((_logs(rates, (setting, other)),), medians)


def control(rates: Rates, fixed: Sequence[str], seed: int = 0) -> Ratio:
    """A/A: what the same comparison says of one setting and itself, in these phases together.

    What is left of each block's rate without its setting's and its round's mean, made wider by what
    the two means took away, stands for the noise of a block; as many as there are rounds are drawn
    for either side.
    """
    logs = _logs(rates, fixed)
    phases, settings, rounds = logs.shape
    noise = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=2, keepdims=True)
    noise += logs.mean(axis=(1, 2), keepdims=True)
    noise *= math.sqrt(settings * rounds / ((settings - 1) * (rounds - 1)))
    draw = np.random.default_rng(seed)
    sides = []
    for pool in noise.reshape(phases, -1):
        drawn = pool[draw.integers(len(pool), size=(RESAMPLES, 2, rounds))]
        sides.append(drawn[:, 0] - drawn[:, 1])
    ratios = np.median(np.mean(sides, axis=0), axis=1)
    low, middle, high = np.exp(np.quantile(ratios, (0.025, 0.5, 0.975)))
    return Ratio(float(middle), float(low), float(high))


def _logs(rates: Rates, settings: Sequence[str]) -> Floats:
    """Logarithms of rates, of shape (phases, settings, rounds); rounds that all of them have."""
    rounds = min(len(by_setting[name]) for by_setting in rates.values() for name in settings)
    if rounds < 2:
        raise TooFewRoundsError(f"{rounds} finished rounds: two are needed to pick and to score")
    return np.log([[list(by[name])[:rounds] for name in settings] for by in rates.values()])


def _interval(
    parts: Sequence[Floats], medians: Callable[[Sequence[Floats]], Floats], seed: int = 0
) -> Ratio:
    """`medians` of parts with one axis more in front: as measured, and drawn again."""
    draw = np.random.default_rng(seed)

    def again(part: Floats) -> Floats:
        # Rounds of one number in different phases lie far apart: each phase draws its own.
        picks = draw.integers(part.shape[2], size=(RESAMPLES, part.shape[0], 1, part.shape[2]))
        taken: Floats = np.take_along_axis(part[None], picks, axis=3)
        return taken

    drawn = np.quantile(medians([again(part) for part in parts]), (0.025, 0.975))
    estimates = medians([part[None] for part in parts])
    return Ratio(*(float(np.exp(value)) for value in (estimates[0], *drawn)))
