"""The user's latency objectives as a filter on depths.

A depth passes when its predicted time per output token, corrected by how much slower than predicted
the engine has been of late, meets the objective. Where none passes, the fastest one is left. While
the measured time to first token misses its objective, steps that carry prefill draft as little as
the band allows, because drafts there make prompts wait.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tandem_operator.tuning import arrays as np
from tandem_operator.tuning.policy.goodput import Scores
from tandem_operator.tuning.settings import Objective
from tandem_operator.tuning.table import ROWS

MEMORY_S = 30.0
_FURTHEST = 0.7


@dataclass(frozen=True)
class Service:
    """Smoothed: log of realised over predicted time per output token, and time to first token."""

    slower: float = 0.0
    first_token_s: float | None = None


def measured(
    service: Service,
    predicted_s: float | None,
    realised_s: float | None,
    first_token_s: float | None,
    duration_s: float,
) -> Service:
    """The service after one scrape; all times in seconds, None where nothing was measured."""
    share = 1.0 - math.exp(-max(0.0, duration_s) / MEMORY_S)
    if predicted_s and realised_s:
        ratio = max(-_FURTHEST, min(_FURTHEST, math.log(realised_s / predicted_s)))
        service = replace(service, slower=service.slower + share * (ratio - service.slower))
    if first_token_s is not None:
        old = service.first_token_s
        mean = first_token_s if old is None else old + share * (first_token_s - old)
        service = replace(service, first_token_s=mean)
    return service


def allowed_depths(
    scores: Scores, depths: Sequence[int], objective: Objective | None, service: Service
) -> tuple[tuple[int, ...], ...]:
    """The depths that each row may use."""
    limit_s = None if objective is None else objective.time_per_output_token_s
    if limit_s is None:
        return (tuple(depths),) * ROWS
    cost = scores.seconds_per_token * math.exp(service.slower)
    rows = []
    for row in range(ROWS):
        passing = tuple(depth for depth in depths if cost[row, scores.column(depth)] <= limit_s)
        columns = [scores.column(depth) for depth in depths]
        rows.append(passing or (depths[int(np.argmin(cost[row, columns]))],))
    return tuple(rows)


def allowed_with_prefill(
    rows: Sequence[Sequence[int]],
    depths: Sequence[int],
    objective: Objective | None,
    service: Service,
) -> tuple[tuple[int, ...], ...]:
    """The same for steps with prefill."""
    limit_s = None if objective is None else objective.time_to_first_token_s
    if limit_s is None or service.first_token_s is None or service.first_token_s <= limit_s:
        return tuple(tuple(row) for row in rows)
    return ((depths[0],),) * ROWS
