"""How soon a policy answers when acceptance collapses or comes back, in windows and seconds.

Pure. Windows without a decoding step are not counted: nothing can be learned from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tandem_operator.simulation.oracle import Oracle
from tandem_operator.simulation.results.interval import Moment
from tandem_operator.simulation.run import Survival, SurvivalAt
from tandem_operator.simulation.world.drift import STEP_S

COLLAPSED = "collapsed"
BACK = "back"
WORTH = 0.05  # share of time that staying must cost for an answer to be owed
CONTEXT_PER_REQUEST = 800.0

DepthAt = Callable[[float, int], int]
"""K that the table in force at a time says for a batch, exploration left out."""


@dataclass(frozen=True)
class Answer:
    """One change of acceptance that asked for another table.

    `windows` closed from the change to the table that answered it, `seconds` passed. When `given`
    is false the next change, or the end, came first: both are then lower bounds.
    """

    kind: str
    at_s: float
    windows: int
    seconds: float
    given: bool


@dataclass(frozen=True)
class Change:
    """Survival before and after `at_s`."""

    at_s: float
    before: Survival
    after: Survival


def changes_of(survival_at: SurvivalAt, horizon_s: float) -> tuple[Change, ...]:
    """Every change of survival up to the horizon."""
    entries = []
    times = np.arange(STEP_S, horizon_s, STEP_S).tolist()
    for time_s in times:
        before, after = survival_at(time_s - STEP_S / 2), survival_at(time_s + STEP_S / 2)
        if before is not after:
            entries.append(Change(time_s, before, after))
    return tuple(entries)


def answers_of(
    changes: Sequence[Change], timeline: Sequence[Moment], depth_at: DepthAt, oracle: Oracle
) -> tuple[Answer, ...]:
    """The answers that were owed.

    After a collapse K must come to one above the oracle's at most, where it was two above it or
    more; after a rise it must leave 0. Changes that K answered beforehand, or where it would lose
    less than `WORTH` by staying, ask for nothing.
    """
    entries = []
    ends_s = [*(change.at_s for change in changes[1:]), float("inf")]
    for change, end_s in zip(changes, ends_s, strict=False):
        busy = [one for one in timeline if change.at_s < one.now_s <= end_s and one.steps]
        kind = _owed(change, busy, depth_at, oracle)
        if kind is not None:
            entries.append(_answer(kind, change, busy, depth_at, oracle))
    return tuple(entries)


def _owed(change: Change, busy: Sequence[Moment], depth_at: DepthAt, oracle: Oracle) -> str | None:
    if not busy:
        return None
    batch = max(1, busy[0].running)
    staying = depth_at(change.at_s, batch)
    shares, best = _judged(oracle, change.after, batch)
    if shares[oracle.tiers.index(staying)] < WORTH:
        return None
    falls = _level(change.after) < _level(change.before)
    if falls and staying >= best + 2:
        return COLLAPSED
    return BACK if not falls and staying == 0 and best > 0 else None


def _answer(
    kind: str, change: Change, busy: Sequence[Moment], depth_at: DepthAt, oracle: Oracle
) -> Answer:
    for number, moment in enumerate(busy, start=1):
        batch = max(1, moment.running)
        tokens = depth_at(moment.now_s, batch)
        answered = tokens > 0
        if kind == COLLAPSED:
            answered = tokens <= _judged(oracle, change.after, batch)[1] + 1
        if answered:
            return Answer(kind, change.at_s, number, moment.now_s - change.at_s, True)
    return Answer(kind, change.at_s, len(busy), busy[-1].now_s - change.at_s, False)


def _judged(oracle: Oracle, survival: Survival, batch: int) -> tuple[list[float], int]:
    """Share of time that each tier loses at this batch, and the best tier."""
    gains = oracle.gains(survival, tuple(survival)).mean(axis=0, keepdims=True)
    counts = np.array([float(batch)])
    judged = oracle.evaluate(counts, counts * CONTEXT_PER_REQUEST, np.zeros(1), gains)
    shares = judged.losses_s[0] / judged.times_s[0]
    return shares.tolist(), oracle.tiers[int(np.argmin(judged.losses_s[0]))]


def _level(survival: Survival) -> float:
    return float(np.mean([curve[0] for curve in survival.values()]))
