"""A small closed-loop load client for the OpenAI API, and a reader of the engine's counters.

Latencies are whole requests: on few cores the arrival times of streamed pieces measure the client
more than the engine, so rates come from the engine's own counters.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from tandem_operator.metrics.page import parse

_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class Request:
    """One call: a completion, or a chat when `chat` is set. `body` adds or replaces fields."""

    prompt: str
    max_tokens: int = 64
    temperature: float = 0.0
    chat: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)

    def path(self) -> str:
        return "/v1/chat/completions" if self.chat else "/v1/completions"

    def json(self, model: str) -> dict[str, Any]:
        """The request's body; token ids are asked for, so that outputs compare exactly."""
        content: dict[str, Any] = (
            {"messages": [{"role": "user", "content": self.prompt}]}
            if self.chat
            else {"prompt": self.prompt}
        )
        return {
            "model": model,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "return_token_ids": True,
            **content,
            **self.body,
        }


@dataclass(frozen=True)
class Answer:
    """What came back. `text` of a tool call is its arguments."""

    text: str
    token_ids: tuple[int, ...]
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    latency_s: float


async def ask(client: httpx.AsyncClient, model: str, request: Request) -> Answer:
    """Send one request; raises httpx.HTTPStatusError with the engine's words on a refusal."""
    started_s = time.perf_counter()
    response = await client.post(request.path(), json=request.json(model))
    latency_s = time.perf_counter() - started_s
    if response.is_error:
        raise httpx.HTTPStatusError(
            f"{response.status_code}: {response.text}", request=response.request, response=response
        )
    body = response.json()
    choice = body["choices"][0]
    return Answer(
        text=_text(choice),
        token_ids=tuple(choice["token_ids"]),
        finish_reason=choice["finish_reason"],
        prompt_tokens=body["usage"]["prompt_tokens"],
        completion_tokens=body["usage"]["completion_tokens"],
        latency_s=latency_s,
    )


async def ask_all(
    url: str, model: str, requests: Sequence[Request], concurrency: int
) -> list[Answer]:
    """Send all requests, `concurrency` at a time; the answers in the requests' order."""
    gate = asyncio.Semaphore(concurrency)
    limits = httpx.Limits(max_connections=concurrency)
    async with httpx.AsyncClient(base_url=url, timeout=_TIMEOUT_S, limits=limits) as client:

        async def one(request: Request) -> Answer:
            async with gate:
                return await ask(client, model, request)

        return list(await asyncio.gather(*(one(request) for request in requests)))


@dataclass(frozen=True)
class Counters:
    """One scrape of /metrics; `at_s` is on the monotonic clock."""

    at_s: float
    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def total(self, name: str, **labels: str) -> float:
        """Sum of the samples with this name and at least these labels; 0.0 when there is none."""
        wanted = labels.items()
        return sum(
            value for (n, have), value in self.samples.items() if n == name and wanted <= have
        )

    def labels(self, name: str) -> list[dict[str, str]]:
        """The label sets that exist under the name."""
        return [dict(have) for n, have in self.samples if n == name]


async def scrape(url: str) -> Counters:
    """Read the engine's counters in the classic text format."""
    async with httpx.AsyncClient(timeout=10.0) as client:
        response = await client.get(
            f"{url}/metrics", headers={"Accept": "text/plain;version=0.0.4"}
        )
    response.raise_for_status()
    return Counters(
        at_s=time.monotonic(),
        samples={
            (name, frozenset(labels.items())): value
            for name, samples in parse(response.text, ("",)).samples.items()
            for labels, value in samples
        },
    )


def _text(choice: Mapping[str, Any]) -> str:
    if "message" not in choice:
        return str(choice["text"])
    message = choice["message"]
    if message.get("tool_calls"):
        return str(message["tool_calls"][0]["function"]["arguments"])
    return str(message["content"])
