"""The clairvoyant oracle: it knows the step-time truth and today's survival, but not the future.

It gives the regret that every policy is measured by, and is a policy itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tandem_operator.simulation.truth import Truth

Floats = npt.NDArray[np.float64]

# Requests differ: each draws an exponent g for its survival, gamma distributed with mean 1.
STEADINESS_SHAPE = 4.0
STEADINESS_SCALE = 0.25


def mean_survival(curve: Floats) -> Floats:
    """E[s ** g] over the requests' exponents: the moment generating function of the gamma law.

    E[exp(g ln s)] = (1 - scale * ln s) ** -shape.
    """
    logs = np.log(np.clip(curve, 1e-9, 1.0))
    return np.asarray((1.0 - STEADINESS_SCALE * logs) ** -STEADINESS_SHAPE)


class Oracle:
    """Best K in a state, by argmax over the tiers of expected tokens over mean step time."""

    def __init__(self, truth: Truth, tiers: Sequence[int]) -> None:
        self._truth = truth
        self._tiers = np.array(sorted(tiers), dtype=np.float64)
        self._places = {int(tier): place for place, tier in enumerate(sorted(tiers))}

    def gains(self, shares: Mapping[str, float], survival: Mapping[str, Floats]) -> Floats:
        """Expected tokens a request and step, by tier: E[L|K] = 1 + sum of s_i for i <= K."""
        deepest = int(self._tiers[-1])
        mixed = np.zeros(deepest)
        for segment, share in shares.items():
            mixed += share * mean_survival(survival[segment][:deepest])
        total = np.concatenate(([1.0], 1.0 + np.cumsum(mixed)))
        return np.asarray(total[self._tiers.astype(int)])

    def times_s(self, batch: int, context: float, prefill: float) -> Floats:
        """Mean step time by tier, when every request of the batch drafts the tier's K."""
        return self._truth.mean_s(batch, batch * (self._tiers + 1.0), context, self._tiers, prefill)

    def losses_s(self, batch: int, context: float, prefill: float, gains: Floats) -> Floats:
        """Seconds that each tier loses in one step against the best one.

        With R the best rate without prefill (tokens a second), the loss of K is
        (max over K' of E' - R T'  minus  E - R T) / R. Without prefill the first term is 0 and the
        loss is T - E / R: the time used less the oracle's time for the same tokens.
        """
        plain = self.times_s(batch, context, 0.0)
        rate = float(np.max(gains / plain))
        times = self.times_s(batch, context, prefill) if prefill else plain
        worth = gains - rate * times
        return np.asarray((np.max(worth) - worth) / rate)

    def best_of(self, losses_s: Floats) -> int:
        """The tier that loses nothing."""
        return int(self._tiers[int(np.argmin(losses_s))])

    def place(self, tokens: int) -> int:
        """Index of a tier."""
        return self._places[tokens]
