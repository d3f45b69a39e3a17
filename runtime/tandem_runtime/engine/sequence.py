"""One request inside the engine: its tokens, its blocks, and how far it is computed."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tandem_runtime.engine.grammar import Grammar
from tandem_runtime.plugin.depth.request_options import PLAIN, RequestOptions


@dataclass(frozen=True)
class SamplingParams:
    """How a request's tokens are drawn. Temperature 0 takes the likeliest token.

    `top_k` 0 and `top_p` 1 keep all tokens; `min_p` is relative to the likeliest token.
    Presence and frequency penalties see the output, the repetition penalty the prompt too.
    `logprobs`: how many of the likeliest tokens to tell with each token; None: none at all.
    """

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int | None = None
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    stop_ids: frozenset[int] = frozenset()
    logprobs: int | None = None

    @property
    def greedy(self) -> bool:
        """Whether nothing is left to chance."""
        return self.temperature == 0.0

    @property
    def penalizes(self) -> bool:
        """Whether earlier tokens change the odds of later ones."""
        return (
            self.presence_penalty != 0.0
            or self.frequency_penalty != 0.0
            or self.repetition_penalty != 1.0
        )


class TokenLogprobs(NamedTuple):
    """Natural logarithms from the model's own odds, before any adjustment."""

    token: int
    logprob: float
    likeliest: tuple[tuple[int, float], ...]


class Sequence:
    """The mutable state of one request. Only the engine's thread touches it.

    `computed` tokens have their keys and values in the target's cache, `drafted` in the draft's;
    what lies beyond in a block is void. Rolling back is lowering these counts.
    """

    def __init__(
        self,
        name: str,
        prompt: list[int],
        params: SamplingParams,
        options: RequestOptions = PLAIN,
        grammar: Grammar | None = None,
    ) -> None:
        self.name = name
        self.tokens = list(prompt)
        self.prompt_tokens = len(prompt)
        self.params = params
        self.options = options
        self.grammar = grammar
        self.random = random.Random(params.seed)  # noqa: S311 (a sample, not a secret)
        self.blocks: list[int] = []
        self.computed = 0
        self.drafted = 0

    @property
    def pending(self) -> int:
        """Tokens whose keys and values are missing; 1 for a request that decodes."""
        return len(self.tokens) - self.computed

    @property
    def decoding(self) -> bool:
        """Whether only the newest token is missing."""
        return self.pending == 1 and len(self.tokens) > self.prompt_tokens

    @property
    def output_tokens(self) -> int:
        """Tokens given so far."""
        return len(self.tokens) - self.prompt_tokens

    @property
    def remaining(self) -> int:
        """Tokens that the request may still be given."""
        return self.params.max_tokens - self.output_tokens

    def finish_reason(self) -> str | None:
        """`stop` or `length` when the newest token was the last one."""
        if self.output_tokens and self.tokens[-1] in self.params.stop_ids:
            return "stop"
        if self.grammar is not None and self.grammar.ended:
            return "stop"
        return "length" if self.remaining <= 0 else None
