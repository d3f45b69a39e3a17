"""What is read through a real Prometheus is what the pod's own page says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import pytest
from aiohttp import web

from hack.cluster.binaries import MissingProgramError
from hack.environment.ports import free_port
from hack.prometheus import server
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.metrics.page import parse
from tandem_operator.metrics.prometheus import PrometheusReader, selector
from tandem_operator.metrics.scrape import UnreachableError
from tests.engines.prometheus.replica import REPLICA
from tests.parts import skip_without
from tests.unit.metrics.builders import plugin_lines, stock_page

PAGE = stock_page(running=3) + plugin_lines()
GONE = replace(REPLICA, pod="chat-2", uid="uid-2", port=8001)


@pytest.fixture
async def prometheus(tmp_path: Path) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=PAGE)

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"127.0.0.1:{runner.addresses[0][1]}"
    labels = {"namespace": "serving", "pod": "chat-1"}
    try:
        started = server.serve(tmp_path, free_port(), {address: labels})
        url = await anyio.to_thread.run_sync(started.__enter__)
    except MissingProgramError as missing:
        await runner.cleanup()
        skip_without(missing)
    yield url
    await anyio.to_thread.run_sync(lambda: started.__exit__(None, None, None))
    await runner.cleanup()


async def test_a_scrape_is_read_whole_and_a_missing_pod_is_named(prometheus: str) -> None:
    reader = PrometheusReader(prometheus)
    with anyio.fail_after(30):
        outcomes = await reader.read("serving", (REPLICA, GONE), DRIVER.metrics)
        while not isinstance(outcomes["chat-1"], EngineSample):
            await anyio.sleep(0.2)
            outcomes = await reader.read("serving", (REPLICA, GONE), DRIVER.metrics)

    direct = DRIVER.metrics.read(parse(PAGE, ("vllm:", "tandem:")), 0.0)
    through = outcomes["chat-1"]
    assert through.totals == direct.totals
    assert through.accepted_by_position == direct.accepted_by_position
    assert through.drafted_by_position == direct.drafted_by_position
    assert through.cells == direct.cells
    assert through.running == 3
    assert through.plugin is not None
    assert through.plugin.applied_generation == 3
    missing = outcomes["chat-2"]
    assert isinstance(missing, UnreachableError)
    assert "chat-2" in str(missing)


async def test_a_dead_server_is_unreachable_and_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}"

    outcomes = await PrometheusReader(url).read("serving", (REPLICA,), DRIVER.metrics)

    assert isinstance(outcomes["chat-1"], UnreachableError)
    assert url in str(outcomes["chat-1"])


def test_a_name_can_never_change_the_query() -> None:
    with pytest.raises(ValueError, match="no name"):
        selector("serving", ['x"} or up{job="'], DRIVER.metrics)
