"""A real `vllm serve` on Model Runner V2, asynchronous, with the plugin and a table that moves."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.vllm.client import Answer, Request, ask_all
from hack.vllm.server import Server, ServerOptions
from tests.engines.plugin.serving import NAME, Page, TableFile, prompts, wait_for
from tests.engines.v2.engine import DEEPEST, PAIR, environ, speculative

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1800)]

TOKENS = 24
REQUESTS = [Request(text, max_tokens=TOKENS, body={"ignore_eos": True}) for text in prompts(6)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> TableFile:
    table = TableFile(tmp_path_factory.mktemp("table"))
    table.put((1, 64, DEEPEST))
    return table


@pytest.fixture(scope="module")
def server(
    vllm_environment: Path, table: TableFile, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("serve")
    options = ServerOptions(
        NAME,
        PAIR / "target",
        speculative("draft_model"),
        max_model_tokens=512,
        max_requests=8,
        environ={
            **environ(folder, second_runner=True),
            "TANDEM_TEST_ASYNC": "1",
            "TANDEM_TABLE_FILE": str(table.path),
        },
    )
    with Server(vllm_environment, options, folder) as server:
        yield server.wait_ready(480.0)


def ask(server: Server) -> list[Answer]:
    return asyncio.run(ask_all(server.url, NAME, REQUESTS, 6))


def settled(server: Server) -> Page:
    """The page once every step before this call is counted."""
    asked_s = time.monotonic()

    def counted() -> bool:
        sent_s = time.monotonic()
        page = Page(server.url)
        newer = page.value("tandem:heartbeat_seconds") < sent_s - asked_s
        return newer and page.value("tandem:context_tokens") == 0

    wait_for(counted, 60.0)
    return Page(server.url)


def test_the_text_is_the_targets_own_while_the_table_moves(
    server: Server, table: TableFile, unaided: list[tuple[int, ...]]
) -> None:
    async def flip() -> None:
        for depth in itertools.cycle([5, 0, 2, 1, 3, 0, 4]):
            table.put((1, 64, depth))
            await asyncio.sleep(0.4)

    async def under_flips() -> list[Answer]:
        flips = asyncio.create_task(flip())
        try:
            return await ask_all(server.url, NAME, REQUESTS, 6)
        finally:
            flips.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flips

    given = asyncio.run(under_flips())

    assert [answer.token_ids for answer in given] == unaided
    page = settled(server)
    (info,) = page.labels("tandem:info")
    assert (info["mode"], info["reason"]) == ("lookup", "")
    assert "Using V2 Model Runner" in server.log_file.read_text(errors="replace")
    assert len({cell["tokens"] for cell in page.labels("tandem:cell_steps_total")}) >= 3
    assert page.value("tandem:plugin_errors_total") == 0


def test_switched_off_nothing_is_drafted_and_the_page_says_so(
    server: Server, table: TableFile, unaided: list[tuple[int, ...]]
) -> None:
    generation = table.put((1, 64, DEEPEST), enabled=False)
    wait_for(lambda: Page(server.url).value("tandem:applied_generation") == generation, 30.0)
    before = settled(server)

    given = ask(server)

    after = settled(server)
    assert [answer.token_ids for answer in given] == unaided
    assert after.value("tandem:iterations_total") > before.value("tandem:iterations_total")
    for name in ("tandem:draft_tokens_total", "tandem:current_tokens"):
        assert after.value(name) - before.value(name) * (name.endswith("total")) == 0


@pytest.fixture(scope="module")
def unaided(reports: dict[str, dict[str, Any]]) -> list[tuple[int, ...]]:
    """The target's own tokens for these prompts, from V1 without speculation."""
    crowd = reports["v1"]["none"]["phases"]["crowd"]["tokens"]
    return [tuple(tokens[:TOKENS]) for tokens in crowd[: len(REQUESTS)]]
