"""Half precision and torch.compile: speculation adds no error beyond that of the arithmetic.

In 16 bits a token may depend on what stands beside it in the batch, where two are as good as
equal. So each token is held against the float32 model's logits: it may fall short of the best by
what the rounding of this very text explains, with speculation as without.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
import pair
from pair import Knob, engine, greedy, output

from tandem_runtime.engine.batch import Piece, lay_out
from tandem_runtime.engine.kv_cache import KVCache, blocks_for
from tandem_runtime.engine.transformer.weights import DTYPES, load

TOKENS = 32
PROMPTS = 8


def generate(method: str | None, **options: Any) -> tuple[list[list[int]], int]:
    """The answers to the first prompts, all at once, and how many drafted tokens stayed."""
    knob = Knob()
    knob.turn(5 if method else 0)
    made = engine(method, knob, **options)
    sequences = [
        greedy(str(n), prompt, TOKENS) for n, prompt in enumerate(pair.prompts()[:PROMPTS])
    ]
    for sequence in sequences:
        made.add(sequence)
    stayed = 0
    while made.busy:
        stayed += sum(made.step().accepted)
    assert made.pool.used == 0
    return [output(sequence) for sequence in sequences], stayed


def logits_of(dtype: torch.dtype, tokens: list[int]) -> torch.Tensor:
    """The target's answer after each token of one text."""
    model = load(pair.PAIR / "target", dtype, torch.device("cpu"))
    blocks = blocks_for(len(tokens))
    cache = KVCache(model.config, blocks, dtype, model.device)
    with torch.inference_mode():
        batch = lay_out([Piece(tokens, 0, list(range(blocks)))], dtype, model.device)
        return model.logits(model.hidden(batch, cache))


@pytest.mark.parametrize("method", [None, "draft_model", "ngram", "layer_skip"])
@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_each_token_is_the_targets_best_within_the_rounding(name: str, method: str | None) -> None:
    texts, stayed = generate(method, dtype=name)

    assert bool(stayed) is (method is not None)
    for prompt, answer in zip(pair.prompts(), texts, strict=False):
        whole = [*prompt, *answer]
        exact = logits_of(torch.float32, whole)[len(prompt) - 1 : -1]
        rounded = logits_of(DTYPES[name], whole)[len(prompt) - 1 : -1]
        rounding = float((exact - rounded).abs().max())
        chosen = exact.gather(1, torch.tensor(answer).unsqueeze(1)).squeeze(1)
        assert float((exact.amax(-1) - chosen).max()) <= 2 * rounding


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_engine_says_the_same_with_and_without_drafts() -> None:
    plain, _ = generate(None, compile=True)
    drafted, stayed = generate("draft_model", compile=True)

    assert stayed > 0
    assert drafted == plain
