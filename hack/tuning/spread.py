"""How much requests of one kind differ, by the latencies of a single client. Pure.

Easy texts are answered sooner than hard ones, so with one request at a time the latencies of a
block spread as the requests do: L_g = t + N T / (1 + sum_i c_i^g) for a request with the exponent g
(see `simulation.steadiness`), with N new tokens, T seconds a step and t for the prompt. The
variance of g is the one of a grid whose p95 / p50 come nearest to what was measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tandem_operator.bench.measured import Measured
from tandem_operator.simulation.draws import Floats
from tandem_operator.simulation.steadiness import exponents, per_request

GRID = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)
FEWEST_REQUESTS = 40


def spread_of(
    measured: Sequence[Measured], survival: Mapping[str, Sequence[float]], new_tokens: int
) -> float | None:
    """The variance of g; None where no block of one client tells of it.

    `measured` are blocks of fixed K whose segment names a curve of `survival`.
    """
    blocks = [
        one
        for one in measured
        if one.block.concurrency == 1 and one.block.tokens and one.block.segment in survival
    ]
    depths = sorted({one.block.tokens or 0 for one in blocks})
    wanted = []
    for depth in depths:
        own = [one for one in blocks if one.block.tokens == depth]
        latencies_s = np.concatenate([np.asarray(one.latencies_s) for one in own])
        step_s = _step_s(own)
        if step_s is not None and len(latencies_s) >= FEWEST_REQUESTS:
            curve = np.array(survival[own[0].block.segment][:depth])
            wanted.append((curve, new_tokens * step_s, latencies_s))
    if not wanted:
        return None
    return min(GRID, key=lambda spread: sum(_misfit(*each, spread) for each in wanted))


def _step_s(blocks: Sequence[Measured]) -> float | None:
    """Seconds of a step without prefill."""
    quiet = [
        sample
        for one in blocks
        for sample in one.samples
        if sample.prefill_tokens == 0 and sample.tokens == one.block.tokens
    ]
    steps = sum(sample.steps for sample in quiet)
    return sum(sample.seconds * sample.steps for sample in quiet) / steps if steps else None


def _misfit(curve: Floats, decoding_s: float, latencies_s: Floats, spread: float) -> float:
    accepted = per_request(curve, spread)[None, :] ** exponents(spread)[:, None]
    decoded_s = decoding_s / (1.0 + accepted.sum(axis=1))
    middle_s, high_s = np.quantile(latencies_s, (0.5, 0.95))
    prompt_s = max(0.0, float(middle_s - np.median(decoded_s)))
    played = np.quantile(prompt_s + decoded_s, 0.95) / np.median(prompt_s + decoded_s)
    return float(np.log(played * middle_s / high_s) ** 2)
