"""The user's minimum acceptance rate: off after ``for_s`` below it, on after ``for_s`` above it.

Off: the rate, pooled since it first fell below, stays below for ``for_s``. On: the rate stays at
least 5 points above the minimum for ``for_s``. While off only K=1 is drafted now and then, so the
rate is compared at the depth where speculation went off: the acceptance by position of that moment,
shifted in log-odds by what happened to the first position since. Otherwise a pair whose later
positions are worse than its first would go on and off forever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import takewhile
from operator import mul

from tandem_operator.tuning.acceptance.counts import (
    Drafts,
    conditional,
    log_odds,
    rate_at,
    share_of,
    survival_of,
)

RETURN_MARGIN = 0.05
_ROUNDING = 0.002
_RECENT_DECAY_S = 6.0
_FEWEST_JUDGED = 20.0
_NOISE_DESIGN_EFFECT = 3.0
"""Drafts of one request are alike, so a rate is noisier than its count says."""
_STALE_AFTER = 3
"""Quiet stretches longer than this many ``for_s`` start the timer again."""


@dataclass(frozen=True)
class AcceptanceGuardrail:
    """State of the rail. Times in seconds of the windows' clock; pools in judged drafted tokens."""

    off: bool = False
    since_s: float | None = None
    pooled_accepted: float = 0.0
    pooled_judged: float = 0.0
    recent_accepted: float = 0.0
    recent_judged: float = 0.0
    seen_s: float | None = None
    hazards_when_on: tuple[float, ...] = ()

    @property
    def recent_rate(self) -> float | None:
        return self.recent_accepted / self.recent_judged if self.recent_judged > 0 else None


def watch(
    rail: AcceptanceGuardrail,
    drafts: Drafts,
    now_s: float,
    duration_s: float,
    minimum: float | None,
    for_s: float,
) -> AcceptanceGuardrail:
    """The rail after the drafts of the windows that ended at ``now_s``."""
    if minimum is None:
        return AcceptanceGuardrail()
    rate = comparable_rate(rail, drafts)
    if rate is None:
        return rail
    judged = drafts.accepted_tokens + drafts.rejections
    fade = math.exp(-max(duration_s, 0.0) / _RECENT_DECAY_S)
    rail = replace(
        rail,
        recent_accepted=rail.recent_accepted * fade + rate * judged,
        recent_judged=rail.recent_judged * fade + judged,
        hazards_when_on=rail.hazards_when_on if rail.off else _blend(rail, drafts),
    )
    if rail.seen_s is not None and now_s - rail.seen_s > _STALE_AFTER * max(for_s, 10.0):
        rail = _restarted(rail)
    rail = replace(rail, seen_s=now_s)
    border = minimum + RETURN_MARGIN - _ROUNDING if rail.off else minimum
    beyond = rate >= border if rail.off else rate < border
    if rail.since_s is None:
        if not beyond:
            return rail
        rail = replace(
            rail,
            since_s=now_s - max(0.0, min(duration_s, for_s)),
            recent_accepted=rate * judged,
            recent_judged=judged,
        )
    rail = replace(
        rail,
        pooled_accepted=rail.pooled_accepted + rate * judged,
        pooled_judged=rail.pooled_judged + judged,
    )
    if _returned(rail, border):
        return _restarted(rail)
    assert rail.since_s is not None
    if rail.pooled_judged < _FEWEST_JUDGED or now_s - rail.since_s < for_s:
        return rail
    pooled_rate = rail.pooled_accepted / rail.pooled_judged
    if (pooled_rate >= border) != rail.off:
        return _restarted(rail)
    return replace(
        _restarted(rail),
        off=not rail.off,
        hazards_when_on=() if rail.off else rail.hazards_when_on,
        recent_accepted=0.0,
        recent_judged=0.0,
    )


def comparable_rate(rail: AcceptanceGuardrail, drafts: Drafts) -> float | None:
    """The drafts' acceptance rate at the depth where speculation went off, as far as it is known.

    While on it is the plain rate.
    """
    survival = drafts.survival
    if not rail.off or not survival or len(rail.hazards_when_on) <= len(survival):
        return drafts.rate
    known = rail.hazards_when_on
    seen = conditional(survival)
    shift = log_odds(seen[-1]) - log_odds(known[len(seen) - 1])
    beyond = (share_of(log_odds(hazard) + shift) for hazard in known[len(seen) :])
    return rate_at(survival_of((*seen, *beyond)), len(known))


def _blend(rail: AcceptanceGuardrail, drafts: Drafts) -> tuple[float, ...]:
    """Acceptance by position while on, moved a quarter of the way to each window's."""
    survival = drafts.survival
    trials = map(mul, drafts.reached, (1.0, *survival))
    enough = sum(1 for _ in takewhile(lambda count: count >= _FEWEST_JUDGED / 4, trials))
    hazards, old = conditional(survival)[:enough], rail.hazards_when_on
    blended = [
        hazard if position >= len(old) else 0.75 * old[position] + 0.25 * hazard
        for position, hazard in enumerate(hazards)
    ]
    return (*blended, *old[len(hazards) :])


def _returned(rail: AcceptanceGuardrail, border: float) -> bool:
    """Whether the rate went back over the border, beyond what noise explains."""
    for accepted, judged in (
        (rail.pooled_accepted, rail.pooled_judged),
        (rail.recent_accepted, rail.recent_judged),
    ):
        if judged <= 0:
            continue
        rate = accepted / judged
        noise = math.sqrt(_NOISE_DESIGN_EFFECT * max(rate * (1 - rate), 1e-4) / judged)
        if rate < border - noise if rail.off else rate > border + noise:
            return True
    return False


def _restarted(rail: AcceptanceGuardrail) -> AcceptanceGuardrail:
    return replace(rail, since_s=None, pooled_accepted=0.0, pooled_judged=0.0)
