"""What the routes do: judge a request, make its sequences, answer whole or as a stream."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tandem_runtime.engine.sequence import Sequence
from tandem_runtime.engine.server.generation import Answer, Generation, Piece
from tandem_runtime.engine.server.openai.errors import ApiError, from_validation
from tandem_runtime.engine.server.openai.protocol import ChatRequest, CompletionRequest
from tandem_runtime.engine.server.openai.shapes import ChatShape, CompletionShape, Shape
from tandem_runtime.engine.server.serving import Serving

Body = TypeVar("Body", CompletionRequest, ChatRequest)


class Api:
    """The two interfaces over one engine."""

    def __init__(self, serving: Serving, api_key: str | None) -> None:
        """`api_key` None lets everybody in."""
        self._serving = serving
        self._api_key = api_key

    async def completions(self, request: Request) -> Response:
        """POST /v1/completions."""
        body = await self._read(request, CompletionRequest)
        prompts = [
            self._serving.tokens.encode(prompt) if isinstance(prompt, str) else prompt
            for prompt in body.prompts
        ]
        sequences = self._serving.builder.sequences(prompts, body, body.max_tokens, body.logprobs)
        shape = CompletionShape(self._serving.model, body, self._serving.tokens)
        return await self._answer(request, body, shape, sequences)

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        body = await self._read(request, ChatRequest)
        messages = [message.for_template() for message in body.messages]
        prompt = self._serving.tokens.chat(messages, body.chat_template_kwargs)
        most = body.max_completion_tokens or body.max_tokens
        sequences = self._serving.builder.sequences(
            [prompt], body, most, body.top_logprobs if body.logprobs else None
        )
        return await self._answer(
            request, body, ChatShape(self._serving.model, body, self._serving.tokens), sequences
        )

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        self._admit(request)
        card = {"id": self._serving.model, "object": "model", "created": 0, "owned_by": "tandem"}
        card["max_model_len"] = self._serving.builder.limits.max_model_tokens
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
        if self._serving.worker.failure:
            raise ApiError(503, f"the engine has failed: {self._serving.worker.failure}")
        most = self._serving.builder.limits.max_body_bytes
        content = bytearray()
        async for part in request.stream():
            content += part
            if len(content) > most:
                raise ApiError(413, f"the body is larger than {most} bytes")
        try:
            body = kind.model_validate_json(bytes(content))
        except ValidationError as wrong:
            raise from_validation(wrong) from wrong
        if body.model is not None and body.model != self._serving.model:
            raise ApiError(
                404, f"model {body.model!r} is not served here, but {self._serving.model!r}",
                "model", "model_not_found",
            )  # fmt: skip
        return body

    async def _answer(
        self, request: Request, body: Body, shape: Shape, sequences: list[Sequence]
    ) -> Response:
        choices = [(sequence, self._serving.tokens.reader(body.stops)) for sequence in sequences]
        prompt_tokens = sum(s.prompt_tokens for s in sequences[:: body.n])
        pieces = Generation(self._serving.worker, self._serving.metrics, choices).pieces()
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
