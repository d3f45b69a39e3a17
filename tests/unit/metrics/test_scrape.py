"""Reading a pod's page: what is taken, and why what is not was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web

from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.metrics import scrape
from tandem_operator.metrics.replicas import Replica
from tandem_operator.metrics.scrape import MalformedError, Scraper, UnreachableError
from tests.unit.metrics.builders import stock_page


class Pod:
    def __init__(self) -> None:
        self.answer: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        self.port = 0
        self.asked: list[web.Request] = []

    async def page(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        assert self.answer is not None
        return await self.answer(request)

    async def read(self) -> EngineSample:
        """What is read of it; what went wrong is raised."""
        scraper = Scraper(lambda: 7.0)
        replica = Replica("chat-1", "uid", "127.0.0.1", self.port, "aaaa", "s", True, (0, 5))
        try:
            outcomes = await scraper.read("serving", (replica,), DRIVER.metrics)
        finally:
            await scraper.close()
        outcome = outcomes["chat-1"]
        if not isinstance(outcome, EngineSample):
            raise outcome
        return outcome


@pytest.fixture
async def pod() -> AsyncIterator[Pod]:
    engine = Pod()
    application = web.Application()
    application.router.add_get("/{path:.*}", engine.page)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    engine.port = runner.addresses[0][1]
    yield engine
    await runner.cleanup()


def answers(text: str, status: int = 200) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    return answer


async def test_a_page_is_read_with_the_time_of_the_read(pod: Pod) -> None:
    pod.answer = answers(stock_page(running=3))

    sample = await pod.read()
    assert (sample.at_s, sample.running) == (7.0, 3)
    assert pod.asked[0].path == "/metrics"
    assert pod.asked[0].headers["Accept-Encoding"] == "identity", "the engine compresses nothing"
    assert not {"Authorization", "Cookie"} & pod.asked[0].headers.keys()


async def test_a_page_in_parts_is_read_whole(pod: Pod) -> None:
    async def in_parts(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        text = stock_page(running=3).encode()
        for start in range(0, len(text), 100):
            await response.write(text[start : start + 100])
        return response

    pod.answer = in_parts
    assert (await pod.read()).running == 3


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_any_other_answer_is_no_page_and_no_redirect_is_followed(
    pod: Pod, status: int
) -> None:
    pod.answer = answers("", status)

    with pytest.raises(UnreachableError, match=f"chat-1 answers {status}"):
        await pod.read()
    assert len(pod.asked) == 1


async def test_a_page_of_something_else_is_malformed(pod: Pod) -> None:
    pod.answer = answers("<html>")

    with pytest.raises(MalformedError, match="chat-1: not a metrics page"):
        await pod.read()


async def test_a_page_beyond_the_limit_is_refused(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = stock_page()
    pod.answer = answers(text)
    monkeypatch.setattr(scrape, "LARGEST_PAGE_BYTES", len(text))
    await pod.read()

    monkeypatch.setattr(scrape, "LARGEST_PAGE_BYTES", len(text) - 1)
    with pytest.raises(MalformedError, match=f"larger than {len(text) - 1} bytes"):
        await pod.read()


async def test_a_pod_that_does_not_answer_in_time_or_at_all_is_unreachable(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "TIMEOUT_S", 0.05)

    async def late(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    pod.answer = late
    with pytest.raises(UnreachableError, match="chat-1: no answer in time"):
        await pod.read()

    pod.port = 1
    with pytest.raises(UnreachableError, match="chat-1: "):
        await pod.read()
