"""How much requests of one kind differ, by how unlike their latencies are. Pure.

Easy prompts are answered sooner than hard ones: L = t + n T with t for the prompt, T seconds a step
and n the steps until all new tokens are there, which are drawn as the simulator draws them (see
`simulation.steadiness`): in each step of a request with the exponent g the first i drafts survive
with probability c_i^g. The variance of g is the one of a grid whose p95 / p50 come nearest to what
was measured, block by block, so that a machine that slows down between blocks does not count.

Where clients ask several kinds, T and t are the same for all of them, and a client of a kind is
answered at the rate 1 / E[L]. No load shows a kind's prompts alone: one client has few answers,
many wait for each other's prompts or go in step. So all loads together tell.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tandem_operator.bench.measured import Measured
from tandem_operator.simulation.world.draws import Floats
from tandem_operator.simulation.world.steadiness import per_request

GRID = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)
FEWEST_REQUESTS = 40
PLAYED = 2000

Mix = Mapping[str, float]
"""The share of clients by kind of text."""


def spread_of(
    measured: Sequence[Measured],
    mixes: Mapping[str, Mix],
    survival: Mapping[str, Sequence[float]],
    new_tokens: int,
) -> dict[str, float]:
    """The variance of g by kind of text, of those whose latencies tell of it.

    Args:
        measured: blocks, of which those of a fixed K above 0 tell.
        mixes: who asks in the blocks of each segment.
        survival: P(first i drafts accepted) by kind; segments that ask others tell nothing.
        new_tokens: tokens of each answer.
    """
    telling: dict[str, list[Measured]] = {}
    for one in measured:
        if one.block.tokens and one.samples and set(mixes[one.block.segment]) <= set(survival):
            telling.setdefault(one.block.segment, []).append(one)
    curves = {kind: np.asarray(curve, dtype=np.float64) for kind, curve in survival.items()}
    tails = [
        tail
        for name, blocks in telling.items()
        if sum(len(one.latencies_s) for one in blocks) >= FEWEST_REQUESTS
        for tail in _tails(blocks, mixes[name])
    ]

    @functools.cache
    def steps(kind: str, depth: int, spread: float) -> Floats:
        return _steps(curves[kind][:depth], spread, new_tokens)

    def misfit(spreads: Mapping[str, float]) -> float:
        error = 0.0
        for tail in tails:
            decoding = [
                (share, tail.step * steps(kind, tail.depth, spreads[kind]))
                for kind, share in tail.mix.items()
            ]
            error += math.log(_high(decoding) / tail.high) ** 2
        return error

    kinds = sorted({kind for tail in tails for kind in tail.mix})
    tried = (
        dict(zip(kinds, spreads, strict=True))
        for spreads in itertools.product(GRID, repeat=len(kinds))
    )
    return min(tried, key=misfit)


class _Tail(NamedTuple):
    """What blocks of one segment and K showed: a step's time and p95, as shares of the median."""

    mix: Mix
    depth: int
    step: float
    high: float


def _tails(blocks: Sequence[Measured], mix: Mix) -> list[_Tail]:
    tails = []
    for depth in sorted({one.block.tokens or 0 for one in blocks}):
        own = [one for one in blocks if one.block.tokens == depth and one.latencies_s]
        medians = [float(np.median(one.latencies_s)) for one in own]
        if not own:
            continue
        shapes = [np.asarray(one.latencies_s) / m for one, m in zip(own, medians, strict=True)]
        high = float(np.quantile(np.concatenate(shapes), 0.95))
        tails.append(_Tail(mix, depth, _step_s(own) / float(np.median(medians)), high))
    return tails


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


def _steps(curve: Floats, spread: float, new_tokens: int) -> Floats:
    """Steps of each of `PLAYED` requests."""
    draw = np.random.default_rng(0)
    exponents = draw.gamma(1.0 / spread, spread, size=PLAYED) if spread > 0 else np.ones(PLAYED)
    survives = per_request(curve, spread)[None, :] ** exponents[:, None]
    tokens = np.ones((PLAYED, new_tokens))
    chance = draw.random((PLAYED, new_tokens))
    for place in range(len(curve)):
        tokens += chance < survives[:, place : place + 1]
    return np.asarray(1 + np.argmax(np.cumsum(tokens, axis=1) >= new_tokens, axis=1), np.float64)


def _high(decoding: Sequence[tuple[float, Floats]]) -> float:
    """p95 over p50 of latencies, by share of clients and time in steps; the median is 1."""
    prompt = 0.0
    for _ in range(2):  # how often each kind answers depends on the prompt's part, and it on that
        rates = [share / (prompt + float(own.mean())) for share, own in decoding]
        all_of_them = np.concatenate(
            [
                own[: max(1, round(PLAYED * rate / max(rates)))]
                for rate, (_, own) in zip(rates, decoding, strict=True)
            ]
        )
        prompt = max(0.0, 1.0 - float(np.median(all_of_them)))
    latencies = prompt + all_of_them
    return float(np.quantile(latencies, 0.95) / np.median(latencies))
