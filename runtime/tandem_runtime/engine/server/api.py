"""What the routes do: judge a request, make its sequences, answer whole or as a stream."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tandem_runtime.engine.grammar import Grammar, GrammarCompiler, GrammarError
from tandem_runtime.engine.sequence import SamplingParams, Sequence
from tandem_runtime.engine.server.errors import ApiError
from tandem_runtime.engine.server.generation import Answer, Generation, Piece
from tandem_runtime.engine.server.metrics import Metrics
from tandem_runtime.engine.server.protocol import ChatRequest, CompletionRequest
from tandem_runtime.engine.server.shapes import ChatShape, CompletionShape, Shape
from tandem_runtime.engine.server.tokenizing import Tokens
from tandem_runtime.engine.server.worker import Worker
from tandem_runtime.plugin.request_options import options_of

Body = TypeVar("Body", CompletionRequest, ChatRequest)


@dataclass(frozen=True)
class Limits:
    """What one server takes: bytes of a body, tokens of a request, requests at a time."""

    max_body_bytes: int
    max_model_tokens: int
    max_open: int
    vocab_size: int
    eos_ids: tuple[int, ...]


class Api:
    """The two interfaces over one engine."""

    def __init__(
        self, model: str, api_key: str | None, limits: Limits, tokens: Tokens,
        grammars: GrammarCompiler, worker: Worker, metrics: Metrics,
    ) -> None:  # fmt: skip
        """`model` is the name that requests give; `api_key` None lets everybody in."""
        self.model = model
        self._api_key = api_key
        self._limits = limits
        self._tokens = tokens
        self._grammars = grammars
        self._worker = worker
        self._metrics = metrics
        self._names = itertools.count()

    async def completions(self, request: Request) -> Response:
        """POST /v1/completions."""
        body = await self._read(request, CompletionRequest)
        prompts = [
            self._tokens.encode(prompt) if isinstance(prompt, str) else prompt
            for prompt in body.prompts
        ]
        sequences = self._sequences(prompts, body, body.max_tokens, body.logprobs)
        shape = CompletionShape(self.model, body, self._tokens)
        return await self._answer(request, body, shape, sequences)

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        body = await self._read(request, ChatRequest)
        messages = [message.for_template() for message in body.messages]
        prompt = self._tokens.chat(messages, body.chat_template_kwargs)
        most = body.max_completion_tokens or body.max_tokens
        sequences = self._sequences(
            [prompt], body, most, body.top_logprobs if body.logprobs else None
        )
        return await self._answer(
            request, body, ChatShape(self.model, body, self._tokens), sequences
        )

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        self._admit(request)
        card = {"id": self.model, "object": "model", "created": 0, "owned_by": "tandem"}
        card["max_model_len"] = self._limits.max_model_tokens
        return JSONResponse({"object": "list", "data": [card]})

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if self._api_key is not None and not hmac.compare_digest(
            given.encode(), f"Bearer {self._api_key}".encode()
        ):
            raise ApiError(401, "the API key is missing or wrong: send Authorization: Bearer KEY")

    async def _read(self, request: Request, kind: type[Body]) -> Body:
        """The judged body. Raises ApiError."""
        self._admit(request)
        if self._worker.failure:
            raise ApiError(503, f"the engine has failed: {self._worker.failure}")
        most = self._limits.max_body_bytes
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > most:
                raise ApiError(413, f"the body is larger than {most} bytes")
        try:
            body = kind.model_validate_json(bytes(content))
        except ValidationError as wrong:
            raise _refusal(wrong) from wrong
        if body.model is not None and body.model != self.model:
            raise ApiError(
                404, f"model {body.model!r} is not served here, but {self.model!r}",
                "model", "model_not_found",
            )  # fmt: skip
        return body

    def _sequences(
        self, prompts: list[list[int]], body: Body, most: int | None, logprobs: int | None
    ) -> list[Sequence]:
        if self._worker.open + len(prompts) * body.n > self._limits.max_open:
            raise ApiError(
                429, f"{self._worker.open} requests are open, the most are {self._limits.max_open}"
            )
        sequences = []
        for prompt in prompts:
            self._judge_prompt(prompt, most)
            room = self._limits.max_model_tokens - len(prompt)
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
        if max(prompt) >= self._limits.vocab_size:
            raise ApiError(
                400, f"token {max(prompt)}: the model has {self._limits.vocab_size}", "prompt"
            )
        if len(prompt) + (most or 1) > self._limits.max_model_tokens:
            raise ApiError(
                413,
                f"{len(prompt)} prompt tokens and {most or 1} to generate are more than the "
                f"{self._limits.max_model_tokens} tokens of this model's context",
                "prompt",
                "context_length_exceeded",
            )

    def _params(self, body: Body, most: int, logprobs: int | None) -> SamplingParams:
        try:
            bias = {int(token): value for token, value in (body.logit_bias or {}).items()}
        except ValueError as error:
            raise ApiError(400, "logit_bias: keys are token ids", "logit_bias") from error
        if bias and not 0 <= min(bias) <= max(bias) < self._limits.vocab_size:
            raise ApiError(
                400, f"logit_bias: token ids are below {self._limits.vocab_size}", "logit_bias"
            )
        stop_ids = set(body.stop_token_ids)
        # A constrained answer ends where its grammar does.
        if not body.ignore_eos or body.structured_outputs or body.response_format:
            stop_ids.update(self._limits.eos_ids)
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

    async def _answer(
        self, request: Request, body: Body, shape: Shape, sequences: list[Sequence]
    ) -> Response:
        choices = [(sequence, self._tokens.reader(body.stops)) for sequence in sequences]
        prompt_tokens = sum(s.prompt_tokens for s in sequences[:: body.n])
        pieces = Generation(self._worker, self._metrics, choices).pieces()
        if body.stream:
            events = _events(pieces, shape, prompt_tokens, _wants_usage(body))
            return StreamingResponse(events, media_type="text/event-stream")
        answers = [Answer() for _ in sequences]

        async def gather() -> None:
            async for piece in pieces:
                answers[piece.index].add(piece)

        await _unless_disconnected(request, gather)
        return JSONResponse(shape.whole(answers, prompt_tokens))


def _wants_usage(body: Body) -> bool:
    return body.stream_options is not None and body.stream_options.include_usage


def _reseeded(params: SamplingParams, seed: int) -> SamplingParams:
    return SamplingParams(**{**vars(params), "seed": seed})


async def _events(
    pieces: AsyncIterator[Piece], shape: Shape, prompt_tokens: int, usage: bool
) -> AsyncIterator[str]:
    """The answer as server-sent events; an error becomes the last one."""
    completion_tokens = 0
    try:
        async for piece in pieces:
            completion_tokens += len(piece.tokens)
            for chunk in shape.chunks(piece):
                yield f"data: {json.dumps(chunk)}\n\n"
        if usage:
            yield f"data: {json.dumps(shape.usage_chunk(prompt_tokens, completion_tokens))}\n\n"
    except ApiError as error:
        yield f"data: {bytes(error.response().body).decode()}\n\n"
    yield "data: [DONE]\n\n"


async def _unless_disconnected(request: Request, work: Callable[[], Awaitable[None]]) -> None:
    """Do the work; end it when the client leaves. Raises ClientDisconnect."""
    working = asyncio.ensure_future(work())
    gone = asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        working.result()
    finally:
        gone.cancel()
        working.cancel()


def _refusal(wrong: ValidationError) -> ApiError:
    first = wrong.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return ApiError(400, f"{place or 'the body'}: {first['msg']}", place or None)
