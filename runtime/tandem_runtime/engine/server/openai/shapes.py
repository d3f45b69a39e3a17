"""Answers in the form of OpenAI's two interfaces, whole and in chunks."""

from __future__ import annotations

import time
import uuid
from typing import Any, Protocol

from tandem_runtime.engine.sequence import TokenLogprobs
from tandem_runtime.engine.server.generation import Answer, Piece
from tandem_runtime.engine.server.openai.protocol import ChatRequest, CompletionRequest
from tandem_runtime.engine.server.tokenizing import Tokens

Json = dict[str, Any]


class Shape(Protocol):
    """One interface's JSON."""

    def whole(self, answers: list[Answer], prompt_tokens: int) -> Json: ...

    def chunks(self, piece: Piece) -> list[Json]: ...

    def usage_chunk(self, prompt_tokens: int, completion_tokens: int) -> Json: ...


class _Head:
    """What every answer begins with."""

    def __init__(self, prefix: str, kind: str, model: str) -> None:
        self._id = f"{prefix}-{uuid.uuid4().hex}"
        self._kind = kind
        self._model = model
        self._created = int(time.time())

    def document(self, choices: list[Json], chunk: str = "") -> Json:
        return {
            "id": self._id,
            "object": self._kind + chunk,
            "created": self._created,
            "model": self._model,
            "choices": choices,
        }


class CompletionShape:
    """Text completions; a chunk has the form of a whole answer."""

    def __init__(self, model: str, body: CompletionRequest, tokens: Tokens) -> None:
        self._head = _Head("cmpl", "text_completion", model)
        self._ids = body.return_token_ids
        self._tokens = tokens
        self._offsets: dict[int, int] = {}

    def whole(self, answers: list[Answer], prompt_tokens: int) -> Json:
        """The answer to a request that is not streamed."""
        choices = [self._choice(index, answer) for index, answer in enumerate(answers)]
        document = self._head.document(choices)
        return {**document, "usage": usage(prompt_tokens, sum(len(a.tokens) for a in answers))}

    def chunks(self, piece: Piece) -> list[Json]:
        """The event of one piece."""
        return [self._head.document([self._choice(piece.index, piece)])]

    def usage_chunk(self, prompt_tokens: int, completion_tokens: int) -> Json:
        """The event with the sums."""
        return {**self._head.document([]), "usage": usage(prompt_tokens, completion_tokens)}

    def _choice(self, index: int, part: Answer | Piece) -> Json:
        choice: Json = {
            "index": index,
            "text": part.text,
            "logprobs": self._logprobs(index, part.logprobs) if part.logprobs else None,
            "finish_reason": part.finish_reason,
        }
        return {**choice, "token_ids": part.tokens} if self._ids else choice

    def _logprobs(self, index: int, logprobs: list[TokenLogprobs]) -> Json:
        texts = [self._tokens.text(one.token) for one in logprobs]
        offsets = []
        for text in texts:
            offsets.append(self._offsets.get(index, 0))
            self._offsets[index] = offsets[-1] + len(text)
        return {
            "tokens": texts,
            "token_logprobs": [one.logprob for one in logprobs],
            "top_logprobs": [
                {self._tokens.text(token): value for token, value in one.likeliest}
                for one in logprobs
            ],
            "text_offset": offsets,
        }


class ChatShape:
    """Chat completions; a choice's first chunk has the role."""

    def __init__(self, model: str, body: ChatRequest, tokens: Tokens) -> None:
        self._head = _Head("chatcmpl", "chat.completion", model)
        self._ids = body.return_token_ids
        self._tokens = tokens
        self._begun: set[int] = set()

    def whole(self, answers: list[Answer], prompt_tokens: int) -> Json:
        """The answer to a request that is not streamed."""
        choices = [
            self._choice(index, answer, "message", {"role": "assistant", "content": answer.text})
            for index, answer in enumerate(answers)
        ]
        document = self._head.document(choices)
        return {**document, "usage": usage(prompt_tokens, sum(len(a.tokens) for a in answers))}

    def chunks(self, piece: Piece) -> list[Json]:
        """The events of one piece."""
        role = {} if piece.index in self._begun else {"role": "assistant"}
        self._begun.add(piece.index)
        choice = self._choice(piece.index, piece, "delta", {**role, "content": piece.text})
        return [self._head.document([choice], ".chunk")]

    def usage_chunk(self, prompt_tokens: int, completion_tokens: int) -> Json:
        """The event with the sums."""
        document = self._head.document([], ".chunk")
        return {**document, "usage": usage(prompt_tokens, completion_tokens)}

    def _choice(self, index: int, part: Answer | Piece, name: str, content: Json) -> Json:
        choice: Json = {
            "index": index,
            name: content,
            "logprobs": {"content": [self._logprob(one) for one in part.logprobs]}
            if part.logprobs
            else None,
            "finish_reason": part.finish_reason,
        }
        return {**choice, "token_ids": part.tokens} if self._ids else choice

    def _logprob(self, one: TokenLogprobs) -> Json:
        return {
            **self._token(one.token, one.logprob),
            "top_logprobs": [self._token(token, value) for token, value in one.likeliest],
        }

    def _token(self, token: int, logprob: float) -> Json:
        text = self._tokens.text(token)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    """Token counts of one request."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }
