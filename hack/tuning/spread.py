"""How much requests of one kind differ, by how unlike their latencies are. Pure.

Easy texts are answered sooner than hard ones: L = t + n T with t for the prompt, T seconds a step
and n the steps until all new tokens are there, which are drawn as the simulator draws them (see
`simulation.steadiness`): in each step of a request with the exponent g the first i drafts survive
with probability c_i^g. The variance of g is the one of a grid whose p95 / p50 come nearest to what
was measured, block by block, so that a machine that slows down between blocks does not count.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tandem_operator.bench.measured import Measured
from tandem_operator.simulation.draws import Floats
from tandem_operator.simulation.steadiness import per_request

GRID = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)
FEWEST_REQUESTS = 40
PLAYED = 2000


def spread_of(
    measured: Sequence[Measured], survival: Mapping[str, Sequence[float]], new_tokens: int
) -> dict[str, float]:
    """The variance of g by segment, of those whose latencies tell of it.

    `measured` are blocks of fixed K whose segment names a curve of `survival`; those with the
    fewest clients count, for many wait for each other's prompts.
    """
    found = {}
    for segment, curve in survival.items():
        blocks = [one for one in measured if one.block.segment == segment and one.block.tokens]
        fewest = min((one.block.concurrency for one in blocks), default=0)
        own = [one for one in blocks if one.block.concurrency == fewest and one.samples]
        if sum(len(one.latencies_s) for one in own) >= FEWEST_REQUESTS:
            found[segment] = _nearest(own, np.asarray(curve, dtype=np.float64), new_tokens)
    return found


def _nearest(blocks: Sequence[Measured], curve: Floats, new_tokens: int) -> float:
    wanted = []
    for depth in sorted({one.block.tokens or 0 for one in blocks}):
        own = [one for one in blocks if one.block.tokens == depth]
        tails = [np.asarray(one.latencies_s) / np.median(one.latencies_s) for one in own]
        middle_s = float(np.median([np.median(one.latencies_s) for one in own]))
        high = float(np.quantile(np.concatenate(tails), 0.95))
        wanted.append((curve[:depth], _step_s(own) / middle_s, high))

    def misfit(spread: float) -> float:
        return sum(
            math.log(_tail(shape, step, new_tokens, spread) / high) ** 2
            for shape, step, high in wanted
        )

    return min(GRID, key=misfit)


def _step_s(blocks: Sequence[Measured]) -> float:
    """Seconds between two steps of a request: with several clients the others' prompts included."""
    samples = [
        sample
        for one in blocks
        for sample in one.samples
        if one.block.concurrency > 1 or sample.prefill_tokens == 0
    ]
    steps = sum(sample.steps for sample in samples)
    return sum(sample.seconds * sample.steps for sample in samples) / steps


def _tail(curve: Floats, step: float, new_tokens: int, spread: float) -> float:
    """p95 over p50 of latencies; `step` is the time of a step as a share of the median."""
    draw = np.random.default_rng(0)
    exponents = draw.gamma(1.0 / spread, spread, size=PLAYED) if spread > 0 else np.ones(PLAYED)
    survives = per_request(curve, spread)[None, :] ** exponents[:, None]
    tokens = np.ones((PLAYED, new_tokens))
    chance = draw.random((PLAYED, new_tokens))
    for place in range(len(curve)):
        tokens += chance < survives[:, place : place + 1]
    steps = 1 + np.argmax(np.cumsum(tokens, axis=1) >= new_tokens, axis=1)
    decoding = steps * step
    prompt = max(0.0, 1.0 - float(np.median(decoding)))
    return float(np.quantile(prompt + decoding, 0.95) / np.median(prompt + decoding))
