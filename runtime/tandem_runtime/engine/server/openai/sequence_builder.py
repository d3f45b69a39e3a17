"""Sequences of a judged body: prompts, sampling, grammar and marks, within the server's limits.

Whatever carried the body (HTTP, Triton), it means the same here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from tandem_runtime.engine.grammar import Grammar, GrammarCompiler, GrammarError
from tandem_runtime.engine.sequence import SamplingParams, Sequence
from tandem_runtime.engine.server.openai.errors import ApiError
from tandem_runtime.engine.server.openai.protocol import ChatRequest, CompletionRequest
from tandem_runtime.plugin.depth.request_options import options_of

Body = CompletionRequest | ChatRequest


@dataclass(frozen=True)
class Limits:
    """What one server takes: bytes of a body, tokens of a request, requests at a time."""

    max_body_bytes: int
    max_model_tokens: int
    max_open: int
    vocab_size: int
    eos_ids: tuple[int, ...]


class SequenceBuilder:
    """Makes what the engine runs. `open_requests` says how many somebody waits for."""

    def __init__(
        self, limits: Limits, grammars: GrammarCompiler, open_requests: Callable[[], int]
    ) -> None:
        self.limits = limits
        self._grammars = grammars
        self._open = open_requests
        self._names = itertools.count()

    def sequences(
        self, prompts: list[list[int]], body: Body, most: int | None, logprobs: int | None
    ) -> list[Sequence]:
        """The choices of each prompt in turn. Raises ApiError."""
        if self._open() + len(prompts) * body.n > self.limits.max_open:
            raise ApiError(
                429, f"{self._open()} requests are open, the most are {self.limits.max_open}"
            )
        sequences = []
        for prompt in prompts:
            self._judge_prompt(prompt, most)
            room = self.limits.max_model_tokens - len(prompt)
            params = self._params(body, room if most is None else most, logprobs)
            for choice in range(body.n):
                own = params if body.seed is None else _reseeded(params, body.seed + choice)
                grammar = self._grammar(body)
                options = options_of(body.vllm_xargs, constrained=grammar is not None)
                name = str(next(self._names))
                sequences.append(Sequence(name, prompt, own, options, grammar))
        return sequences

    def _judge_prompt(self, prompt: list[int], most: int | None) -> None:
        if not prompt:
            raise ApiError(400, "the prompt has no token", "prompt")
        if max(prompt) >= self.limits.vocab_size:
            raise ApiError(
                400, f"token {max(prompt)}: the model has {self.limits.vocab_size}", "prompt"
            )
        if len(prompt) + (most or 1) > self.limits.max_model_tokens:
            raise ApiError(
                413,
                f"{len(prompt)} prompt tokens and {most or 1} to generate are more than the "
                f"{self.limits.max_model_tokens} tokens of this model's context",
                "prompt",
                "context_length_exceeded",
            )

    def _params(self, body: Body, most: int, logprobs: int | None) -> SamplingParams:
        try:
            bias = {int(token): value for token, value in (body.logit_bias or {}).items()}
        except ValueError as error:
            raise ApiError(400, "logit_bias: keys are token ids", "logit_bias") from error
        if bias and not 0 <= min(bias) <= max(bias) < self.limits.vocab_size:
            raise ApiError(
                400, f"logit_bias: token ids are below {self.limits.vocab_size}", "logit_bias"
            )
        stop_ids = set(body.stop_token_ids)
        # A constrained answer ends where its grammar does.
        if not body.ignore_eos or body.structured_outputs or body.response_format:
            stop_ids.update(self.limits.eos_ids)
        return SamplingParams(
            max_tokens=most, temperature=body.temperature, top_p=body.top_p,
            top_k=max(body.top_k, 0), min_p=body.min_p, seed=body.seed, logit_bias=bias,
            presence_penalty=body.presence_penalty, frequency_penalty=body.frequency_penalty,
            repetition_penalty=body.repetition_penalty, stop_ids=frozenset(stop_ids),
            logprobs=logprobs,
        )  # fmt: skip

    def _grammar(self, body: Body) -> Grammar | None:
        wanted, form = body.structured_outputs, body.response_format
        try:
            if wanted is not None:
                if wanted.json_ is not None:
                    return self._grammars.json_schema(wanted.json_)
                if wanted.regex is not None:
                    return self._grammars.regex(wanted.regex)
                return self._grammars.lark(wanted.grammar or "")
            if form is not None and form.json_schema is not None:
                return self._grammars.json_schema(form.json_schema.schema_)
            if form is not None and form.type == "json_object":
                return self._grammars.json_schema({"type": "object"})
        except GrammarError as error:
            field = "structured_outputs" if wanted is not None else "response_format"
            raise ApiError(400, str(error), field) from error
        return None


def _reseeded(params: SamplingParams, seed: int) -> SamplingParams:
    return SamplingParams(**{**vars(params), "seed": seed})
