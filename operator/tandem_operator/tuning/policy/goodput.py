"""Which K is best at each batch: the most expected tokens per second of wall clock.

E[L|K] = 1 + s_1 + ... + s_K tokens a step over T(b, K) seconds. At a fixed batch this both
maximises throughput and minimises time per output token (arXiv 2406.14066). A step that carries
prefill is different: its K must not be paid by prompts that wait, so there K maximises
E[L|K] - R T(b, K, p), with R = max_K E/T the rate of steps without prefill (the value of a second).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tandem_operator.tuning import arrays as np
from tandem_operator.tuning.arrays import Floats
from tandem_operator.tuning.step_time.model import StepModel, step_seconds
from tandem_operator.tuning.table import ROWS, Table

LEAST_GAIN = 0.015
"""An entry changes only for more than this share of time per token."""


@dataclass(frozen=True)
class Scores:
    """What the model says of every row of the table (rows) and depth (columns).

    ``tokens`` are E[L|K] by depth; ``seconds`` T without prefill, ``prefill_seconds`` with the
    usual chunk of it.
    """

    depths: tuple[int, ...]
    tokens: Floats
    seconds: Floats
    prefill_seconds: Floats

    @property
    def seconds_per_token(self) -> Floats:
        return np.asarray(self.seconds / self.tokens)

    def column(self, depth: int) -> int:
        return self.depths.index(depth)


def scored(
    steps: StepModel,
    survival: Sequence[float],
    depths: Sequence[int],
    experts: tuple[int, int] | None,
) -> Scores:
    """Scores of all depths at all rows."""
    gains = np.concatenate(([1.0], 1.0 + np.cumsum(np.array(survival, dtype=np.float64))))
    return Scores(
        depths=tuple(depths),
        tokens=gains[np.array(depths)],
        seconds=step_seconds(steps, range(ROWS), depths, 0.0, experts),
        prefill_seconds=step_seconds(steps, range(ROWS), depths, steps.chunk_tokens, experts),
    )


def proposed_table(
    scores: Scores, allowed: Sequence[Sequence[int]], current: Table, least_gain: float
) -> Table:
    """The best allowed depth of each row, if it gains more than ``least_gain`` over the current."""
    cost = scores.seconds_per_token
    return _cheapest(scores, cost, cost, allowed, current, least_gain)


def proposed_prefill_table(
    scores: Scores, allowed: Sequence[Sequence[int]], current: Table, least_gain: float
) -> Table:
    """The same for steps with prefill, by E - R T; a gain is a share of a step without it."""
    rate = np.max(scores.tokens / scores.seconds, axis=1)
    cost = scores.prefill_seconds - scores.tokens / rate[:, None]
    return _cheapest(scores, cost, scores.seconds, allowed, current, least_gain)


def _cheapest(
    scores: Scores,
    cost: Floats,
    unit: Floats,
    allowed: Sequence[Sequence[int]],
    current: Table,
    least_gain: float,
) -> Table:
    table = []
    for row, (depths, kept) in enumerate(zip(allowed, current, strict=True)):
        best = min(depths, key=lambda depth: cost[row, scores.column(depth)])
        if kept in depths:
            own, other = scores.column(kept), scores.column(best)
            gain = (cost[row, own] - cost[row, other]) / unit[row, own]
            best = best if gain > least_gain else kept
        table.append(best)
    return tuple(table)


def gain_of(scores: Scores, current: Table, proposed: Table, rows: Sequence[int]) -> float:
    """Share of time per token that ``proposed`` saves, in the mean of these rows."""
    cost = scores.seconds_per_token
    gains = [
        1.0 - cost[row, scores.column(proposed[row])] / cost[row, scores.column(current[row])]
        for row in rows
    ]
    return float(np.mean(gains)) if gains else 0.0
