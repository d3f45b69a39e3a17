"""One OpenAI-compatible engine over HTTP: its model, its counters, one completion.

`load` and `measure` call it. It speaks to one address, follows no redirect and takes no proxy.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from tandem_operator.engines.metrics.page import Page
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_operator.engines.metrics.sample import EngineSample, SeriesMissingError
from tandem_operator.metrics.page import LARGEST_PAGE_BYTES, MalformedPageError, parse
from tandem_runtime.contract import metrics

REQUEST_TIMEOUT_S = 600.0
PAGE_TIMEOUT_S = 10.0


class EndpointError(Exception):
    """The engine does not answer as it must; the message says what it did and what to do."""


@dataclass(frozen=True)
class Answer:
    """A finished completion."""

    tokens: int
    started_s: float
    ended_s: float


class Endpoint:
    """An open connection pool to one engine; an asynchronous context manager."""

    def __init__(self, url: str, reader: MetricsReader, connections: int) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._reader = reader
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
            # Two more than the load: the counters never wait for it.
            connector=aiohttp.TCPConnector(limit=self._connections + 2),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def model(self) -> str:
        """The first model that is served. Raises EndpointError."""
        text = await self._get("/v1/models")
        try:
            return str(json.loads(text)["data"][0]["id"])
        except (ValueError, KeyError, IndexError, TypeError) as problem:
            raise EndpointError(
                f"{self.url}/v1/models names no model: give --model, or the address of an "
                "OpenAI-compatible server"
            ) from problem

    async def page(self) -> Page:
        """The metrics page. Raises EndpointError."""
        text = await self._get("/metrics")
        try:
            return parse(text, (*self._reader.prefixes, metrics.PREFIX))
        except MalformedPageError as problem:
            raise EndpointError(f"{self.url}/metrics: {problem}") from problem

    async def sample(self) -> EngineSample:
        """The counters now, on the monotonic clock. Raises EndpointError."""
        page = await self.page()
        try:
            return self._reader.read(page, time.monotonic())
        except (SeriesMissingError, KeyError, ValueError) as problem:
            raise EndpointError(
                f"{self.url}/metrics: {problem}: the engine must serve its counters "
                "(vLLM does unless it runs with --disable-log-stats)"
            ) from problem

    async def complete(self, body: dict[str, Any]) -> Answer:
        """One completion, whole. Raises EndpointError with the engine's words on a refusal."""
        started_s = time.monotonic()
        try:
            async with self._opened().post(
                f"{self.url}/v1/completions", json=body, allow_redirects=False
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError, OSError) as problem:
            raise EndpointError(
                f"{self.url} left a completion unanswered: {str(problem) or 'no answer in time'}"
            ) from problem
        if answer.status != 200:
            raise EndpointError(
                f"{self.url}/v1/completions answers {answer.status}: {text.strip()[:300]}"
            )
        try:
            tokens = int(json.loads(text)["usage"]["completion_tokens"])
        except (ValueError, KeyError, TypeError) as problem:
            raise EndpointError(f"{self.url}/v1/completions gives no usage") from problem
        return Answer(tokens, started_s, time.monotonic())

    async def _get(self, path: str) -> str:
        try:
            async with self._opened().get(
                self.url + path,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=PAGE_TIMEOUT_S),
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
            raise EndpointError(
                f"{self.url}{path} does not answer: {str(problem) or 'no answer in time'}: "
                "check that the engine runs and the address is right"
            ) from problem
        if answer.status != 200:
            raise EndpointError(f"{self.url}{path} answers {answer.status}")
        if len(body) > LARGEST_PAGE_BYTES:
            raise EndpointError(f"{self.url}{path} is larger than {LARGEST_PAGE_BYTES} bytes")
        return body.decode("utf-8", errors="replace")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the endpoint is used outside its context")
        return self._session
