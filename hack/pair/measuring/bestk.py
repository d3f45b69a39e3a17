"""Which K is best at one and at sixteen requests, and how sure: `python -m hack.pair bestk`.

Every round measures the step time at each K in a shuffled order, so that a busy neighbour hits all
K alike. Through them goes T(K) = t + [K > 0] s + K c + K^2 q for each concurrency; the best K has
the most tokens a second, (1 + s_1 + .. + s_K) / T(K). Rounds are resampled for the interval.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hack.pair.measuring.bench import DEEPEST, Bench, Load, read_prompts, running
from tandem_operator.tuning.acceptance.counts import Drafts

CONCURRENCIES = (1, 16)
_NEW_TOKENS = {1: 64, 16: 48}
_PROMPTS = {1: 2, 16: 16}
_RESAMPLES = 2000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class BestK:
    """`low` to `high` holds the best K in nine resamples of ten."""

    tokens: int
    low: int
    high: int


def best_k(step_s: Floats, survival: Floats, seed: int = 0) -> BestK:
    """From step times of shape (rounds, K = 0..DEEPEST) and survival of (rounds, DEEPEST).

    A missing step time is NaN; raises ValueError when one K has none at all.
    """
    if np.isnan(step_s).all(axis=0).any():
        raise ValueError("a K was never measured at this concurrency: more rounds or requests")
    rounds = len(step_s)
    picks = np.random.default_rng(seed).integers(rounds, size=(_RESAMPLES, rounds))
    drawn = [
        _argmax(step_s[pick], survival[pick])
        for pick in picks
        if not np.isnan(step_s[pick]).all(axis=0).any()
    ]
    low, high = np.quantile(drawn, [0.05, 0.95], method="nearest")
    return BestK(_argmax(step_s, survival), int(low), int(high))


def measure_best_k(target: Path, draft: Path, prompts: Path, kind: str, rounds: int) -> int:
    """Print step times, survival and the best K; 0 when the two intervals do not overlap."""
    texts = read_prompts(prompts, kind)
    with running(target, draft) as bench:
        loads: dict[int, list[list[Load]]] = {c: [] for c in CONCURRENCIES}
        for number in range(rounds):
            for concurrency in CONCURRENCIES:
                loads[concurrency].append(_round(bench, texts, concurrency, number))
            print(f"round {number + 1}/{rounds}", flush=True)
    measured: list[BestK] = []
    for concurrency, by_round in loads.items():
        step_s = np.array([[_step_s(load, concurrency, k) for k, load in enumerate(one)]
                           for one in by_round])  # fmt: skip
        survival = np.array([_survival(one[DEEPEST]) for one in by_round])
        best = best_k(step_s, survival)
        measured.append(best)
        times = " ".join(f"{1e3 * t:.1f}" for t in np.nanmedian(step_s, axis=0))
        rates = " ".join(
            f"{np.median([one[k].tokens_per_s for one in by_round]):.0f}"
            for k in range(DEEPEST + 1)
        )
        print(f"concurrency {concurrency}: best K {best.tokens} (90 %: {best.low} to {best.high})")
        print(f"  step ms at K=0..{DEEPEST}: {times}")
        print(f"  tokens/s at K=0..{DEEPEST}: {rates}")
        print(f"  survival: {' '.join(f'{s:.2f}' for s in survival.mean(axis=0))}", flush=True)
    apart = measured[0].low > measured[1].high or measured[1].low > measured[0].high
    print("the two differ" if apart else "the two intervals overlap")
    return 0 if apart else 1


def _round(bench: Bench, texts: list[str], concurrency: int, number: int) -> list[Load]:
    """One load at each K, in the order of K."""
    draw = random.Random(100 * concurrency + number)
    picked = draw.sample(texts, _PROMPTS[concurrency])
    order = draw.sample(range(DEEPEST + 1), DEEPEST + 1)
    loads: dict[int, Load] = {}
    for tokens in order:
        bench.set_tokens(tokens)
        loads[tokens] = bench.drive(picked, concurrency, _NEW_TOKENS[concurrency])
    return [loads[tokens] for tokens in range(DEEPEST + 1)]


def _step_s(load: Load, concurrency: int, tokens: int) -> float:
    steps = load.steps.get((concurrency, tokens), 0.0)
    return load.seconds[concurrency, tokens] / steps if steps else float("nan")


def _survival(load: Load) -> Floats:
    survival = np.zeros(DEEPEST)
    known = Drafts(load.accepted, load.reached).survival
    survival[: len(known)] = known
    return survival


def _argmax(step_s: Floats, survival: Floats) -> int:
    k = np.arange(DEEPEST + 1, dtype=np.float64)
    form = np.stack([np.ones_like(k), k > 0, k, k * k], axis=1)
    # The median: one round beside a busy neighbour must not stand for its K.
    seconds = np.nanmedian(step_s, axis=0)
    theta, *_ = np.linalg.lstsq(form / seconds[:, None], np.ones_like(k), rcond=None)
    tokens = 1.0 + np.concatenate([[0.0], np.cumsum(survival.mean(axis=0))])
    return int(np.argmax(tokens / (form @ theta)))
