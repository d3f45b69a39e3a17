"""Engines of the tiny pair and requests for them, for the tests beside this file."""

from __future__ import annotations

import json
import os
import random
from functools import cache
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from tandem_runtime.contract.table import MAX_REQUESTS, Range, SpeculationTable
from tandem_runtime.engine.engine import Engine
from tandem_runtime.engine.sequence import SamplingParams, Sequence
from tandem_runtime.engine.start import Options, start
from tandem_runtime.plugin.table.plan import Limits, Plan, plan_of

PAIR = Path(__file__).parents[4] / "examples" / "tiny-pair"
DEEPEST = 7
LIMITS = Limits(DEEPEST, tuple(range(DEEPEST + 1)))
METHODS: dict[str, dict[str, Any]] = {
    "draft_model": {"draft": PAIR / "draft"},
    "ngram": {},
    "layer_skip": {"exit_layer": 2},
}

# One thread: beside other work two wait for each other at every operation.
torch.set_num_threads(int(os.environ.get("TANDEM_TORCH_THREADS", "1")))


class Knob:
    """K for every load, changed at will: what the watcher is to an engine in a pod."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self._generation = 0

    def turn(self, tokens: int, **more: Any) -> None:
        """The next step looks this K up."""
        self._generation += 1
        schedule = (Range(1, MAX_REQUESTS, tokens),)
        table = SpeculationTable("", self._generation, schedule, **more)
        self.plan = plan_of(table, LIMITS)


@cache
def tokenizer() -> Tokenizer:
    return Tokenizer.from_file(str(PAIR / "target" / "tokenizer.json"))


@cache
def prompts() -> list[list[int]]:
    """The token ids of the committed prompts, code and prose in turn."""
    kinds = [
        [json.loads(line)["prompt"] for line in (PAIR / "prompts" / f"{kind}.jsonl").open()]
        for kind in ("code", "prose")
    ]
    return [tokenizer().encode(text).ids for pair in zip(*kinds, strict=True) for text in pair]


def engine(method: str | None, knob: Knob | None = None, **options: Any) -> Engine:
    """An engine of the tiny pair with `method`, at K = 0 until the knob is turned."""
    options = {"max_model_tokens": 512, "kv_cache_bytes": 32 << 20, **options}
    if method is not None:
        options |= {"method": method, "limits": LIMITS, **METHODS[method]}
    made = Options(target=options.pop("target", PAIR / "target"), **options)
    return start(made, (lambda: knob.plan) if knob else (lambda: None))


def random_prompt(draws: random.Random, longest: int = 200) -> list[int]:
    """A random piece of a random prompt."""
    whole = draws.choice(prompts())
    return whole[: draws.randint(1, min(longest, len(whole)))]


def greedy(name: str, prompt: list[int], max_tokens: int) -> Sequence:
    return Sequence(name, prompt, SamplingParams(max_tokens=max_tokens, temperature=0.0))


def output(sequence: Sequence) -> list[int]:
    return sequence.tokens[sequence.prompt_tokens :]


def finish(made: Engine) -> None:
    """Step until nothing is left, and see that no block is."""
    while made.busy:
        made.step()
    assert made.pool.used == 0
