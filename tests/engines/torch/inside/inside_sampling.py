"""Speculative sampling draws from the target's own distribution, whatever the draft.

Covered: the joint distribution of three tokens by chi-square, for near and far drafts, n-gram
lookup, early exit and every sampling parameter; that a bias of 2 % would be found; seeds;
log-probabilities.
"""

from __future__ import annotations

import itertools
import math
import os
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import pair  # noqa: F401 (sets the threads)
from small import VOCABULARY, write_model

from tandem_runtime.engine import verification
from tandem_runtime.engine.batch import Piece, lay_out
from tandem_runtime.engine.kv_cache import KVCache
from tandem_runtime.engine.sequence import SamplingParams, Sequence
from tandem_runtime.engine.start import Options, start
from tandem_runtime.engine.transformer.weights import load
from tandem_runtime.engine.verification import Draft, verify
from tandem_runtime.plugin.table.plan import Limits

DRAWS = int(os.environ.get("TANDEM_TORCH_DRAWS", "5000"))
SEEDS = range(1, 1 + int(os.environ.get("TANDEM_TORCH_SEEDS", "1")))
SURE = 0.01
PROMPT = [1, 2, 3, 1, 2]
K = 3


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    target = write_model(folder / "target", seed=1)
    return {
        "target": target,
        "near": write_model(folder / "near", seed=2, near=target, noise=0.1),
        "far": write_model(folder / "far", seed=3),
    }


def started(models: dict[str, Path], method: str | None) -> Any:
    drafts = {"near": models["near"], "far": models["far"]}
    return start(
        Options(
            target=models["target"], draft=drafts.get(method or ""), exit_layer=1,
            method="draft_model" if method in drafts else method,
            limits=Limits(K, tuple(range(K + 1))), initial_tokens=K,
            max_requests=256, max_model_tokens=64, kv_cache_bytes=8 << 20,
        )
    )  # fmt: skip


def drawn(made: Any, draws: int, seed: int, **params: Any) -> Counter[tuple[int, ...]]:
    """How often each three tokens came first; one more is drawn, so that drafts reach the third."""
    sequences = [
        Sequence(str(n), PROMPT, SamplingParams(max_tokens=5, seed=seed * 10**6 + n, **params))
        for n in range(draws)
    ]
    for sequence in sequences:
        made.add(sequence)
    while made.busy:
        made.step()
    return Counter(tuple(s.tokens[len(PROMPT) : len(PROMPT) + 3]) for s in sequences)


def expected(models: dict[str, Path], **params: Any) -> dict[tuple[int, ...], float]:
    """The target's joint distribution of three tokens, each prefix computed by itself."""
    model = load(models["target"], torch.float32, torch.device("cpu"))
    cache = KVCache(model.config, 1, model.dtype, model.device)

    def after(prefix: tuple[int, ...]) -> list[float]:
        batch = lay_out([Piece([*PROMPT, *prefix], 0, [0])], model.dtype, model.device)
        logits = model.logits(model.hidden(batch, cache))[-1].tolist()
        return reference(logits, prefix, **params)

    known = {p: after(p) for n in range(3) for p in itertools.product(range(VOCABULARY), repeat=n)}
    return {
        (a, b, c): known[()][a] * known[(a,)][b] * known[a, b][c]
        for a, b, c in itertools.product(range(VOCABULARY), repeat=3)
    }


def reference(
    logits: list[float],
    prefix: tuple[int, ...],
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int = 0,
    min_p: float = 0.0,
    logit_bias: dict[int, float] | None = None,
    presence_penalty: float = 0.0,
    frequency_penalty: float = 0.0,
    repetition_penalty: float = 1.0,
) -> list[float]:
    """The same in plain arithmetic, one row at a time."""
    for token in range(VOCABULARY):
        if token in PROMPT or token in prefix:
            by = repetition_penalty
            logits[token] = logits[token] / by if logits[token] > 0 else logits[token] * by
        logits[token] -= frequency_penalty * prefix.count(token)
        logits[token] -= presence_penalty * (token in prefix)
        logits[token] += (logit_bias or {}).get(token, 0.0)
    odds = [math.exp((logit - max(logits)) / temperature) for logit in logits]
    odds = [o if o >= min_p else 0.0 for o in odds]
    ranked = sorted(range(VOCABULARY), key=lambda token: -odds[token])[: top_k or VOCABULARY]
    whole = sum(odds[token] for token in ranked)
    kept, mass = [], 0.0
    for token in ranked:
        if mass < top_p:
            kept.append(token)
        mass += odds[token] / whole
    whole = sum(odds[token] for token in kept)
    return [odds[token] / whole if token in kept else 0.0 for token in range(VOCABULARY)]


def least_p(counts: Counter[tuple[int, ...]], chances: dict[tuple[int, ...], float]) -> float:
    """Least p of four chi-square tests (each place, and all three together), times four."""
    tests = [_p(counts, chances)]
    for place in range(3):
        one: Counter[tuple[int, ...]] = Counter()
        likely: dict[tuple[int, ...], float] = {}
        for cell, chance in chances.items():
            one[cell[place : place + 1]] += counts[cell]
            likely[cell[place : place + 1]] = likely.get(cell[place : place + 1], 0.0) + chance
        tests.append(_p(one, likely))
    return min(tests) * len(tests)


def _p(counts: Counter[tuple[int, ...]], chances: dict[tuple[int, ...], float]) -> float:
    draws = sum(counts.values())
    assert not sum(n for cell, n in counts.items() if chances[cell] < 1e-12), "an impossible token"
    statistic, cells, rare, rare_chance = 0.0, 0, 0, 0.0
    for cell, chance in chances.items():
        if chance * draws < 5:
            rare, rare_chance = rare + counts[cell], rare_chance + chance
        else:
            statistic += (counts[cell] - chance * draws) ** 2 / (chance * draws)
            cells += 1
    if rare_chance * draws >= 5:
        statistic += (rare - rare_chance * draws) ** 2 / (rare_chance * draws)
        cells += 1
    half = torch.tensor([(cells - 1) / 2, statistic / 2], dtype=torch.float64)
    return float(torch.special.gammaincc(half[0], half[1]))


CASES = [
    ("near", {}),
    ("far", {}),
    ("ngram", {}),
    ("layer_skip", {"temperature": 0.7}),
    ("near", {"top_p": 0.8, "top_k": 4, "temperature": 1.3}),
    ("far", {"min_p": 0.2}),
    ("near", {"presence_penalty": 0.6, "frequency_penalty": 0.4, "repetition_penalty": 1.3}),
    ("far", {"logit_bias": {0: 1.5, 4: -2.0}}),
    (None, {"top_p": 0.9}),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("method", "params"), CASES)
def test_three_tokens_are_distributed_as_the_targets(
    method: str | None, params: dict[str, Any], seed: int, models: dict[str, Path]
) -> None:
    counts = drawn(started(models, method), DRAWS, seed, **params)

    assert least_p(counts, expected(models, **params)) > SURE


def test_a_bias_of_two_percent_is_found(
    models: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = verification._staying
    luck = random.Random(5)

    def lenient(chances: torch.Tensor, draft: Draft, sequence: Sequence) -> int:
        # Of all drafts 2 % stay whole, whatever the target holds of them.
        return len(draft.tokens) if luck.random() < 0.02 else honest(chances, draft, sequence)

    monkeypatch.setattr(verification, "_staying", lenient)
    counts = drawn(started(models, "far"), 20_000, 0)

    assert least_p(counts, expected(models)) < SURE


def test_near_drafts_stay_and_far_ones_do_not(models: dict[str, Path]) -> None:
    accepted = {}
    for method in ("near", "far"):
        made = started(models, method)
        drawn(made, 500, 0)
        page = made.depth.content()
        accepted[method] = page["accepted_tokens"] / page["draft_tokens"]

    assert accepted["near"] > 0.6 > accepted["far"]


def test_a_seed_gives_the_same_tokens_again(models: dict[str, Path]) -> None:
    made = started(models, "near")

    assert drawn(made, 50, 3) == drawn(made, 50, 3)
    assert drawn(made, 50, 3) != drawn(made, 50, 4)


def test_logprobs_are_the_models_own_before_any_adjustment() -> None:
    logits = torch.tensor([[0.0, 1.0, 2.0, -1.0], [3.0, 0.0, 0.0, 0.0]])
    params = SamplingParams(max_tokens=5, temperature=0.0, logit_bias={3: 50.0}, logprobs=2)
    sequence = Sequence("one", [1], params)

    verdict = verify(logits.clone(), [sequence], [Draft([3])])[0]

    assert verdict.tokens == [3, 3]
    assert verdict.logprobs is not None
    first = verdict.logprobs[0]
    assert first.logprob == pytest.approx(float(logits[0].log_softmax(-1)[3]))
    assert [token for token, _ in first.likeliest] == [2, 1]
