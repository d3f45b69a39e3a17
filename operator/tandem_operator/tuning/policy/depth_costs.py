"""What every K would take for the traffic of late, for engines that keep the K of their start.

Nothing is tried there: a trial would be a rollout. Acceptance is measured up to the present K, so
what a smaller one brings is known; for a deeper one the curve of survival is carried on. Step times
at another K are the fit's, and so is their uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

from tandem_operator.tuning import arrays as np
from tandem_operator.tuning.arrays import Floats
from tandem_operator.tuning.exploration.value import variance_of_time
from tandem_operator.tuning.policy.goodput import scored
from tandem_operator.tuning.policy.prediction import survival_now
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.table import ROWS, row_of


@dataclass(frozen=True)
class Traffic:
    """What was decoded: request-seconds by row of the table, and weighed by them the batch and the
    survival by position."""

    seconds: tuple[float, ...] = (0.0,) * ROWS
    batch: float = 0.0
    survival: tuple[float, ...] = ()

    @property
    def total(self) -> float:
        return sum(self.seconds)


@dataclass(frozen=True)
class DepthCosts:
    """Means over the traffic. By K from 0 on: seconds per output token against those of the K in
    force, which are ``seconds_per_token``, the deviation of the log of that ratio, and the tokens
    that a step makes."""

    seconds_per_token: float
    ratios: tuple[float, ...]
    deviations: tuple[float, ...]
    tokens_per_step: tuple[float, ...]


def with_load(
    known: Traffic, state: State, settings: Settings, duration_s: float, share: float
) -> Traffic:
    """The traffic after one round, what was known before faded to ``share``."""
    seconds = [each * share for each in known.seconds]
    batch, survival = known.batch * share, [each * share for each in known.survival]
    if state.batch is None or not state.learned:
        return Traffic(tuple(seconds), batch, tuple(survival))
    weight, now = duration_s * state.batch, survival_now(state, settings)
    if len(survival) != len(now):
        seconds, batch, survival = [0.0] * ROWS, 0.0, [0.0] * len(now)
    seconds[row_of(state.batch)] += weight
    return Traffic(
        tuple(seconds),
        batch + weight * state.batch,
        tuple(before + weight * each for before, each in zip(survival, now, strict=True)),
    )


def depth_costs(
    state: State, tokens: int, settings: Settings, traffic: Traffic
) -> DepthCosts | None:
    """The costs of all K up to ``settings.max_tokens`` while ``tokens`` is in force.

    Load and acceptance are the traffic's, step times what is known now; steps with prefill count as
    often as there were of late. None without traffic, and before anything was measured.
    """
    total = traffic.total
    if total <= 0 or not state.steps.theta:
        return None
    survival = [each / total for each in traffic.survival]
    scores = scored(state.steps, survival, settings.depths, settings.mixture_of_experts)
    share = state.steps.prefill_share
    seconds = (1.0 - share) * scores.seconds + share * scores.prefill_seconds
    cost = seconds / scores.tokens
    own_s, ratios, deviations = 0.0, np.zeros(len(scores.depths)), np.zeros(len(scores.depths))
    for row, weight in enumerate(traffic.seconds):
        if weight <= 0:
            continue
        part, own = weight / total, cost[row, scores.column(tokens)]
        own_s += part * float(own)
        ratios += part * cost[row] / own
        variance = variance_of_time(scores, row, tokens, state.steps, settings)
        deviations += part * np.sqrt(np.maximum(variance, 0.0))
    return DepthCosts(own_s, _plain(ratios), _plain(deviations), _plain(scores.tokens))


def _plain(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
