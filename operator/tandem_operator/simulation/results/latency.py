"""Wall-clock latency of the simulated requests: what speculation is deployed for.

End-to-end latency and time to first token, p50, p95 and p99 in seconds: over all, by concurrency
when the request ended, and by output length.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tandem_operator.simulation.world.requests import Finished

PERCENTILES = (50, 95, 99)
LENGTHS = (("<100", 0, 100), ("100-500", 100, 501), (">500", 501, 10**9))
CONCURRENCIES = ((1, 1), (2, 3), (4, 7), (8, 15), (16, 31), (32, 63), (64, 127), (128, 10**9))


@dataclass(frozen=True)
class Latency:
    """Percentiles in seconds of one group of requests."""

    requests: int
    end_to_end_s: dict[str, float]
    first_token_s: dict[str, float]


def latency_of(finished: Sequence[Finished]) -> Latency | None:
    """Percentiles of a group; None when it is empty."""
    if not finished:
        return None
    return Latency(
        len(finished),
        percentiles([one.end_s - one.arrived_s for one in finished]),
        percentiles([one.first_token_s - one.arrived_s for one in finished]),
    )


def percentiles(values: Sequence[float]) -> dict[str, float]:
    values_at = np.percentile(np.asarray(values), PERCENTILES)
    return {f"p{rank}": float(value) for rank, value in zip(PERCENTILES, values_at, strict=True)}


def by_output_length(finished: Sequence[Finished]) -> dict[str, Latency]:
    return grouped(
        finished,
        [(name, low, high) for name, low, high in LENGTHS],
        lambda one: one.arrival.output_tokens,
    )


def by_concurrency(finished: Sequence[Finished]) -> dict[str, Latency]:
    spans = [
        (f"{low}" if low == high else f"{low}+" if high > 10**6 else f"{low}-{high}", low, high + 1)
        for low, high in CONCURRENCIES
    ]
    return grouped(finished, spans, lambda one: one.concurrency)


def grouped(
    finished: Sequence[Finished],
    spans: Sequence[tuple[str, int, int]],
    key: Callable[[Finished], int],
) -> dict[str, Latency]:
    """Groups by half-open spans [low, high); empty groups are left out."""
    groups = {}
    for name, low, high in spans:
        latency = latency_of([one for one in finished if low <= key(one) < high])
        if latency is not None:
            groups[name] = latency
    return groups
