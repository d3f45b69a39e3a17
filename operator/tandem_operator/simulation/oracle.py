"""The clairvoyant oracle: it knows the step-time truth and today's survival, but not the future.

It gives the regret that every policy is measured by, and is a policy itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from tandem_operator.simulation.world.truth import Truth

Floats = npt.NDArray[np.float64]


class Knowledge(Enum):
    """What is known beyond windows: nothing; step times, survival and the mix of prompts; or also
    to which prompts the requests that run now belong, which no table by batch can know."""

    NOTHING = 0
    TEXTS = 1
    REQUESTS = 2


@dataclass(frozen=True)
class Evaluation:
    """Of noted steps: arrays of shape (steps, tiers), and `off_s` of shape (steps,).

    `losses_s` against the best tier, `times_s` is the step's mean time, `off_s` that of a step with
    K = 0 and without prefill.
    """

    losses_s: Floats
    times_s: Floats
    off_s: Floats


class Oracle:
    """Best K in a state, by argmax over the tiers of expected tokens over mean step time.

    With R the best rate without prefill (tokens a second), the loss of K in one step is
    (max over K' of E' - R T'  minus  E - R T) / R. Without prefill the first term is 0 and the loss
    is T - E / R: the time used less the oracle's time for the same tokens.
    """

    def __init__(self, truth: Truth, tiers: Sequence[int]) -> None:
        self._truth = truth
        self.tiers = tuple(sorted({0} | set(tiers)))
        self.sync_s = truth.sync_s
        self._depths = np.array(self.tiers, dtype=np.float64)
        self._parts: dict[int, list[tuple[float, float, float, float, float]]] = {}

    def gains(self, survival: Mapping[str, Floats], segments: Sequence[str]) -> Floats:
        """Expected tokens a request and step, E[L|K] = 1 + sum of s_i for i <= K.

        Shape (segments, tiers). A segment that `survival` does not name follows its first curve.
        """
        deepest = self.tiers[-1]
        fallback = next(iter(survival.values()))
        rows = []
        for name in segments:
            curve = survival.get(name, fallback)[:deepest]
            rows.append(np.concatenate(([1.0], 1.0 + np.cumsum(curve)))[list(self.tiers)])
        return np.asarray(rows)

    def evaluate(
        self, batch: Floats, context: Floats, prefill: Floats, gains: Floats
    ) -> Evaluation:
        """What each tier takes and loses in these states; `gains` has the shape (steps, tiers)."""
        b, c, p = batch[:, None], context[:, None], prefill[:, None]
        verified = b * (self._depths + 1.0)
        plain = self._truth.mean_s(b, verified, c, self._depths, np.zeros_like(p))
        times = self._truth.mean_s(b, verified, c, self._depths, p)
        rate = np.max(gains / plain, axis=1, keepdims=True)
        worth = gains - rate * times
        losses = np.asarray((np.max(worth, axis=1, keepdims=True) - worth) / rate)
        return Evaluation(losses, times, plain[:, 0])

    def best(self, batch: int, context: float, prefill: int, gains: Sequence[float]) -> int:
        """The tier that loses nothing in one step."""
        step_s = self._truth.step_s
        tiers = self.tiers
        parts = self._parts.get(batch)
        if parts is None:
            parts = self._parts[batch] = [self._truth.parts_s(batch, k) for k in tiers]
        start_s = self._truth.base_s + self._truth.context_s * context
        plain = [
            (start_s + tokens_s + knee_s + experts_s) * cliff + draft_s
            for tokens_s, knee_s, experts_s, cliff, draft_s in parts
        ]
        if not prefill:
            return min(zip(plain, gains, tiers, strict=True), key=lambda one: one[0] / one[1])[2]
        rate = max(gain / seconds for gain, seconds in zip(gains, plain, strict=True))
        worth = [
            gain - rate * step_s(batch, batch * (k + 1), context, k, prefill)
            for gain, k in zip(gains, tiers, strict=True)
        ]
        return tiers[worth.index(max(worth))]
