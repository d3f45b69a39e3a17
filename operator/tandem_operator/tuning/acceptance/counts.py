"""Drafts, how deep they were, and what was accepted of them.

The acceptance rate is per drafted token that was reached: accepted / (accepted + drafts that ended
in a rejection). With survival s_i = P(first i drafts accepted) and drafts of exactly K tokens in
number n_K, the drafts that did *not* end in a rejection are sum_K n_K * s_K. For independent
drafts (s_i = a^i) the rate is a at every K; accepted / drafted is not.

Stock counters give drafts, draft tokens and accepted by position, but not how many drafts were how
deep. :func:`depth_mixture` solves that: the depths that the table may have asked for, tilted
exponentially until their mean is draft_tokens / drafts. With two depths in use it is exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise, zip_longest
from operator import mul

from tandem_operator.tuning.settings import DEEPEST_TOKENS

EXPLORED_SHARE = 0.0025
_NEXT_TO = 0.15
_WHOLE = 1e-3
_BISECTIONS = 60


@dataclass(frozen=True)
class Drafts:
    """Drafts of some windows by depth. ``reached[i]``: drafts at least i+1 long; same length as
    ``accepted``."""

    accepted: tuple[float, ...]
    reached: tuple[float, ...]

    @property
    def count(self) -> float:
        return self.reached[0] if self.reached else 0.0

    @property
    def survival(self) -> tuple[float, ...]:
        """s_i for the positions that any draft had, clipped to [0, 1] and never rising."""
        survival: list[float] = []
        before = 1.0
        for accepted, drafted in zip(self.accepted, self.reached, strict=True):
            if drafted <= 0:
                break
            before = min(before, accepted / drafted)
            survival.append(before)
        return tuple(survival)

    @property
    def accepted_tokens(self) -> float:
        return sum(self.accepted)

    @property
    def rejections(self) -> float:
        """Drafts that ended in a rejection: all but those accepted to their own last token."""
        survival = self.survival
        longer = (*self.reached[1 : len(survival)], 0.0)
        whole = sum(
            max(0.0, own - deeper) * share
            for own, deeper, share in zip(self.reached, longer, survival, strict=False)
        )
        return max(0.0, self.count - whole)

    @property
    def rate(self) -> float | None:
        """The acceptance rate, or None without drafts."""
        judged = self.accepted_tokens + self.rejections
        return self.accepted_tokens / judged if judged > 0 else None


def sums(one: Sequence[float], other: Sequence[float]) -> tuple[float, ...]:
    """Sums by position; the shorter one has nothing beyond its end."""
    return tuple(a + b for a, b in zip_longest(one, other, fillvalue=0.0))


def survival_of(hazards: Sequence[float]) -> tuple[float, ...]:
    """s_i, the products of the hazards a_1 to a_i."""
    return tuple(accumulate(hazards, mul))


def conditional(survival: Sequence[float]) -> tuple[float, ...]:
    """a_i = s_i / s_{i-1}; 0 where no draft comes so far."""
    return tuple(b / a if a > 0 else 0.0 for a, b in pairwise((1.0, *survival)))


def log_odds(share: float) -> float:
    """log(p / (1 - p)) of a share that is kept between 0.01 and 0.99."""
    share = min(max(share, 0.01), 0.99)
    return math.log(share / (1 - share))


def share_of(odds: float) -> float:
    """The share with these log-odds."""
    return 1 / (1 + math.exp(-odds))


def rate_at(survival: Sequence[float], tokens: int) -> float:
    """The acceptance rate that drafts of ``tokens`` would show with this survival."""
    accepted = sum(survival[:tokens])
    ended = 1.0 - survival[min(tokens, len(survival)) - 1]
    return accepted / (accepted + ended) if accepted + ended > 0 else 0.0


def expected_depths(
    mean_tokens: float, in_force: Sequence[int], depths: Sequence[int]
) -> dict[int, float]:
    """Weights of the draft depths that a window may hold, before its mean is known.

    Full weight for the depths that tables had ``in_force`` for it and for the depth next to the
    mean (an engine may lag behind its table), a trace for what exploration tries. A mean that is
    a depth is taken for that depth alone: a draft that nobody made would count as one that was
    rejected, and deeper drafts would never look worth trying.
    """
    drafting = [depth for depth in depths if depth >= 1] or [max(1, round(mean_tokens))]
    nearest = min(drafting, key=lambda depth: abs(depth - mean_tokens))
    if abs(nearest - mean_tokens) < _WHOLE:
        return {nearest: 1.0}
    weights = dict.fromkeys(drafting, EXPLORED_SHARE)
    if abs(nearest - mean_tokens) < _NEXT_TO:
        weights[nearest] = 1.0
    for depth in in_force:
        if depth >= 1:
            weights[depth] = 1.0
    return weights


def depth_mixture(mean_tokens: float, expected: Mapping[int, float]) -> dict[int, float]:
    """Shares of draft depths with this mean, as near to the ``expected`` shares as possible.

    Minimises the relative entropy to ``expected`` (depths >= 1 with positive weight) under the
    mean: p_K ~ w_K * exp(theta * K). A mean outside the expected depths adds its two neighbours.
    """
    weights = {depth: weight for depth, weight in expected.items() if depth >= 1 and weight > 0}
    low, high = math.floor(mean_tokens), math.ceil(mean_tokens)
    if not weights or mean_tokens < min(weights) or mean_tokens > max(weights):
        weights |= {max(1, low): 1.0, max(1, high): 1.0}
    if len(weights) == 1:
        return dict.fromkeys(weights, 1.0)

    def shares(theta: float) -> dict[int, float]:
        exponents = {depth: theta * (depth - mean_tokens) for depth in weights}
        top = max(exponents.values())
        raw = {depth: weights[depth] * math.exp(exponents[depth] - top) for depth in weights}
        total = sum(raw.values())
        return {depth: value / total for depth, value in raw.items()}

    left, right = -60.0, 60.0
    for _ in range(_BISECTIONS):
        middle = (left + right) / 2
        mean = sum(depth * share for depth, share in shares(middle).items())
        left, right = (middle, right) if mean < mean_tokens else (left, middle)
    return shares((left + right) / 2)


def drafts_of(
    accepted: Sequence[float],
    drafted: Sequence[float] | None,
    drafts: float,
    draft_tokens: float,
    expected: Mapping[int, float],
) -> Drafts:
    """The drafts of one window, from true denominators when the engine exports them."""
    if drafted is not None:
        length = min(len(accepted), len(drafted))
        return Drafts(tuple(accepted[:length]), tuple(drafted[:length]))
    if drafts < 1:
        return Drafts((), ())
    mean_tokens = min(float(DEEPEST_TOKENS), max(1.0, draft_tokens / drafts))
    shares = depth_mixture(mean_tokens, expected)
    deepest = max(depth for depth, share in shares.items() if share >= 1e-9)
    length = min(deepest, len(accepted))
    reached = tuple(
        drafts * sum(share for depth, share in shares.items() if depth > position)
        for position in range(length)
    )
    return Drafts(tuple(accepted[:length]), reached)
