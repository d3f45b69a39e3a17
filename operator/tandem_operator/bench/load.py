"""A closed loop of clients: each sends its next request when its last one is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tandem_operator.bench.endpoint import Answer, Endpoint


@dataclass(frozen=True)
class Texts:
    """What clients ask: prompts in turn, so many new tokens each, end-of-text ignored.

    ``first_client`` is put over the body of the first client's requests, and of no other's.
    """

    model: str
    prompts: Sequence[str]
    new_tokens: int
    first_client: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Running:
    """A load under way. `answers` grows while it runs."""

    answers: list[Answer] = field(default_factory=list)
    clients: list[asyncio.Task[None]] = field(default_factory=list)

    def check(self) -> None:
        """Raise what ended a client, if something did: EndpointError."""
        for client in self.clients:
            if client.done() and not client.cancelled() and client.exception() is not None:
                raise client.exception()  # type: ignore[misc]


@asynccontextmanager
async def running(endpoint: Endpoint, texts: Texts, clients: int) -> AsyncIterator[Running]:
    """So many clients for as long as the block lasts; what is unanswered at its end is dropped."""
    load = Running()

    async def one(number: int) -> None:
        turn = number
        while True:
            body = {
                "model": texts.model,
                "prompt": texts.prompts[turn % len(texts.prompts)],
                "max_tokens": texts.new_tokens,
                "temperature": 0.0,
                "ignore_eos": True,
                **(texts.first_client if number == 0 else {}),
            }
            load.answers.append(await endpoint.complete(body))
            turn += clients

    load.clients = [asyncio.create_task(one(number)) for number in range(clients)]
    try:
        yield load
    finally:
        for client in load.clients:
            client.cancel()
        await asyncio.gather(*load.clients, return_exceptions=True)
