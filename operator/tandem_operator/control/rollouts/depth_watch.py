"""What traffic says of every K, gathered for hours: for engines that keep the K of their start."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tandem_operator.planning.rollout.evidence import DepthsView
from tandem_operator.tuning import Settings, State
from tandem_operator.tuning.policy.depth_costs import Traffic, depth_costs, with_load

MEMORY_S = 3600.0
"""Older traffic counts less: the next hours are most like the last one."""
LONGEST_GAP_S = 60.0
"""A longer pause between two rounds is no time that was seen."""


@dataclass(frozen=True)
class DepthSums:
    """The traffic of pods with K ``tokens``, of which all but ``seconds`` fades.

    ``elapsed_s`` is the time that was seen, ``busy_s`` that with decoding requests.
    """

    tokens: int
    elapsed_s: float = 0.0
    busy_s: float = 0.0
    seconds: float = 0.0
    traffic: Traffic = field(default_factory=Traffic)


def added(known: DepthSums, state: State, settings: Settings, duration_s: float) -> DepthSums:
    """The sums after one round; ``state`` is the tuner's after it."""
    duration_s = min(max(duration_s, 0.0), LONGEST_GAP_S)
    share = math.exp(-duration_s / MEMORY_S)
    busy_s = 0.0 if state.batch is None else duration_s
    return DepthSums(
        tokens=known.tokens,
        elapsed_s=known.elapsed_s * share + duration_s,
        busy_s=known.busy_s * share + busy_s,
        seconds=known.seconds + busy_s,
        traffic=with_load(known.traffic, state, settings, duration_s, share),
    )


def view(sums: DepthSums, state: State, settings: Settings) -> DepthsView | None:
    """What the traffic says of every K by what is known now; None before there was any."""
    costs = depth_costs(state, sums.tokens, settings, sums.traffic)
    if costs is None:
        return None
    return DepthsView(
        tokens=sums.tokens,
        ratios=costs.ratios,
        deviations=costs.deviations,
        tokens_per_step=costs.tokens_per_step,
        batch=sums.traffic.batch / sums.traffic.total,
        seconds_per_token=costs.seconds_per_token,
        busy=sums.busy_s / sums.elapsed_s,
        seconds=sums.seconds,
    )
