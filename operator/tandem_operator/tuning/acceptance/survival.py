"""How far drafts survive: P(first i drafts accepted), with a test for sudden change.

Survival depends on the workload and the pair, not on the batch, so all replicas and batches are
pooled (Liu et al., arXiv 2406.14066, average it likewise). The newest windows stay apart from the
older pool: a likelihood-ratio test compares them at every split, and on a change the older pool is
dropped, so that a collapse is answered within two windows without waiting for the memory to fade.

With hazard a_i = P(draft i accepted | those before were) and survival s_i = a_1 ... a_i, the
posterior mean of a_i under a Beta prior of strength k centred on c_i is

    a_i = (accepted_i + k c_i) / (trials_i + k)

where c_i is a_{i-1} shifted, in log-odds, by the step from position i-1 to i in the start profile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import accumulate
from operator import mul
from typing import Annotated, NamedTuple

from pydantic import Field

from tandem_operator.tuning.acceptance import correlation
from tandem_operator.tuning.acceptance.correlation import RequestCorrelation, design_effect
from tandem_operator.tuning.acceptance.counts import Drafts, log_odds, share_of, sums

MEMORY_S = 60.0
LONGEST_MEMORY_S = 180.0
ENOUGH_DRAFTS = 600.0
"""Independent drafts that the pool aims at: with fewer, the memory is stretched."""
NEWEST = 8
"""Windows that the test compares: at one request a window is worth about four drafts."""
PRIOR_DRAFTS = 3.0
FIRST_HAZARD = 0.65
CHANGE_Z = 4.0
CHANGE_SHIFT = 0.10
LEAST_TRIALS = 1e-6
"""Trials that have faded to less tell nothing, and their inverse squares are beyond numbers."""


class Pool(NamedTuple):
    """Drafts by position: accepted there, and put to the trial there (all before it accepted).

    Trials are counted within each window, reached_i times the window's own s_{i-1}: deep drafts of
    a hard hour must not be held against the survival of an easy one. ``further``: how many more
    drafts of the same request a draft has beside it, on average.
    """

    accepted: tuple[float, ...] = ()
    trials: tuple[float, ...] = ()
    further: float = 0.0

    @property
    def drafts(self) -> float:
        return self.trials[0] if self.trials else 0.0


EMPTY = Pool()


@dataclass(frozen=True)
class Survival:
    """What is remembered. ``newest``: windows of drafts, oldest first; ``changes`` since start."""

    older: Pool = EMPTY
    newest: tuple[Pool, ...] = ()
    request_correlation: Annotated[RequestCorrelation, Field(alias="likeness")] = field(
        default_factory=RequestCorrelation
    )
    changes: int = 0
    changed_s: float | None = None


def learn(
    known: Survival, drafts: Drafts, batch: float, duration_s: float, now_s: float
) -> Survival:
    """The memory after one scrape's drafts (all replicas together).

    ``batch`` is how many requests they came from, ``duration_s`` the time that passed.
    """
    older = faded(known.older, duration_s, _memory_s(known))
    if drafts.count < 1:
        return replace(known, older=older)
    further = max(0.0, drafts.count / max(1.0, batch) - 1.0)
    trials = tuple(map(mul, drafts.reached, (1.0, *drafts.survival)))
    window = Pool(drafts.accepted[: len(trials)], trials, further)
    known = replace(known, request_correlation=_request_correlation(known, window, duration_s))
    newest = (*known.newest, window)
    if len(newest) > NEWEST:
        older, newest = added(older, newest[0]), newest[1:]
    known = replace(known, older=older, newest=newest)
    split = _split(known)
    if split is None:
        return known
    return replace(
        known,
        older=EMPTY,
        newest=known.newest[split:],
        changes=known.changes + 1,
        changed_s=now_s,
    )


def pooled(known: Survival) -> Pool:
    return reduce(added, known.newest, known.older)


def hazards_of(known: Survival, prior: Sequence[float], depth: int) -> tuple[float, ...]:
    """Posterior means of a_1 to a_depth. ``prior``: hazards expected before any draft was seen."""
    pool = pooled(known)
    strength = PRIOR_DRAFTS * design_effect(known.request_correlation.correlation, pool.further)
    hazards: list[float] = []
    for place in range(depth):
        centre = _centre(prior, hazards)
        accepted = pool.accepted[place] if place < len(pool.accepted) else 0.0
        trials = pool.trials[place] if place < len(pool.trials) else 0.0
        hazard = (min(accepted, trials) + strength * centre) / (trials + strength)
        hazards.append(min(0.999, max(0.001, hazard)))
    return tuple(hazards)


def added(one: Pool, other: Pool) -> Pool:
    """Both pools' drafts; ``further`` is their mean by drafts."""
    drafts = one.drafts + other.drafts
    return Pool(
        sums(one.accepted, other.accepted),
        sums(one.trials, other.trials),
        (one.further * one.drafts + other.further * other.drafts) / drafts if drafts > 0 else 0.0,
    )


def faded(pool: Pool, duration_s: float, memory_s: float) -> Pool:
    share = math.exp(-max(0.0, duration_s) / memory_s)
    return Pool(
        tuple(value * share for value in pool.accepted),
        tuple(value * share for value in pool.trials),
        pool.further,
    )


def _request_correlation(known: Survival, window: Pool, duration_s: float) -> RequestCorrelation:
    before = pooled(known)
    if before.drafts <= 0 or window.drafts <= 0:
        return known.request_correlation
    _, z = compared(before, window, 0.0)
    new, old = 1.0 / window.drafts, 1.0 / before.drafts
    further = (window.further * new + before.further * old) / (new + old)
    return correlation.learned(known.request_correlation, z * z, further, duration_s)


def _memory_s(known: Survival) -> float:
    pool = known.older
    independent = pool.drafts / design_effect(known.request_correlation.correlation, pool.further)
    stretch = ENOUGH_DRAFTS / independent if independent > 0 else 1.0
    return min(LONGEST_MEMORY_S, MEMORY_S * max(1.0, stretch))


def _centre(prior: Sequence[float], hazards: Sequence[float]) -> float:
    place = len(hazards)
    if not prior:
        return hazards[-1] if hazards else FIRST_HAZARD
    expected = prior[min(place, len(prior) - 1)]
    if place == 0:
        return expected
    step = log_odds(expected) - log_odds(prior[min(place - 1, len(prior) - 1)])
    return share_of(log_odds(hazards[-1]) + max(-2.0, min(2.0, step)))


def _split(known: Survival) -> int | None:
    """Where the newest windows part from what came before, or None."""
    correlation = known.request_correlation.correlation
    best, where = CHANGE_Z, None
    before = tuple(accumulate(known.newest, added, initial=known.older))
    since = tuple(accumulate(reversed(known.newest), added))[::-1]
    for place in range(0 if known.older.drafts > 0 else 1, len(known.newest)):
        shift, z = compared(before[place], since[place], correlation)
        if z > best and abs(shift) > CHANGE_SHIFT:
            best, where = z, place
    return where


def compared(old: Pool, new: Pool, correlation: float) -> tuple[float, float]:
    """How far the hazards of ``new`` are from those of ``old``, and in how many deviations.

    Positions are strata (Mantel and Haenszel, J. Natl. Cancer Inst. 22, 1959): with n and m trials
    at a position, weight w = n m / (n + m), the shift is sum w (p - q) / sum w, its variance
    sum w^2 r (1 - r) (d/n + e/m) / (sum w)^2 with r the share of both together, and d and e how
    many drafts are worth an independent one on either side. So a change of K alone, which changes
    how often deep positions are tried, is none.
    """
    weights = shifts = variances = 0.0
    new_worth, old_worth = (design_effect(correlation, pool.further) for pool in (new, old))
    for place in range(min(len(old.trials), len(new.trials))):
        n, m = new.trials[place], old.trials[place]
        if min(n, m) < LEAST_TRIALS:
            continue
        weight = n * m / (n + m)
        both = (new.accepted[place] + old.accepted[place]) / (n + m)
        weights += weight
        shifts += weight * (new.accepted[place] / n - old.accepted[place] / m)
        counts = new_worth / n + old_worth / m
        variances += weight**2 * counts * max(1e-3, both * (1.0 - both))
    if weights <= 0:
        return 0.0, 0.0
    return shifts / weights, abs(shifts) / math.sqrt(variances)
