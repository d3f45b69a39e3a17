"""Every query of the dashboard gives data from a real Prometheus.

What it scrapes are the operator's own page, of a resource that serves, and an engine's page as the
plugin writes it; only time is made: each scrape finds the counters further on.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from aiohttp import web

from hack.cluster.binaries import MissingProgramError
from hack.environment.ports import free_port
from hack.generate import dashboard
from hack.prometheus import server
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.telemetry.resources import ResourceSeries
from tests.parts import skip_without
from tests.unit.metrics.builders import plugin_lines, stock_page
from tests.unit.planning import builders
from tests.unit.planning.world import World

DASHBOARD = Path(__file__).parents[3] / "charts" / "tandem" / "files" / "dashboard.json"
VARIABLES = {"$namespace": ".*", "$name": ".*", "$__rate_interval": "30s"}


class Pages:
    """The two pages, a little further at each scrape."""

    def __init__(self) -> None:
        world = World()
        world.settle()
        world.lock_ends(builders.good())
        world.settle()
        world.roll_out()
        world.settle()
        lock = world.lock_hash
        world.tuning = builders.tuning(lock, replicas=(builders.replica("chat-1", lock, 1),))
        world.settle()
        world.resource["status"]["speculation"]["liveMode"] = "Lookup"
        self.scrapes = 0
        self.view = replace(world.tuning, segments={"code": 0.9})
        self.metrics = Metrics("1")
        self.metrics.add(ResourceSeries(lambda: [world.resource], lambda key: self._view()))

    def _view(self) -> Any:
        count = float(self.scrapes)
        return replace(
            self.view, drafted_tokens=9 * count, wasted_tokens=2 * count, mixed_depth_steps=count
        )

    async def operator(self, request: web.Request) -> web.Response:
        self.scrapes += 1
        self.metrics.leading(True)
        self.metrics.sizes(1, 0)
        self.metrics.reconciled("done", 0.01)
        self.metrics.write("apply", "ConfigMap")
        self.metrics.watch("Pod", "", 3.0, False)
        for until in ("written", "applied"):
            self.metrics.decision(until, 0.2)
        return web.Response(body=self.metrics.page())

    async def engine(self, request: web.Request) -> web.Response:
        count = self.scrapes
        further = (
            "tandem:current_tokens 3\n"
            f'tandem:bypassed_requests_total{{cause="constrained"}} {count}\n'
        )
        page = plugin_lines()
        page = page.replace("request_steps_total 101", f"request_steps_total {100 * count}")
        page = page.replace("step_seconds_total 1.01", f"step_seconds_total {1.5 * count}")
        return web.Response(text=stock_page() + page + further)


@pytest.fixture
async def prometheus(tmp_path: Path) -> AsyncIterator[str]:
    pages, runners, targets = Pages(), [], {}
    of_operator = {"namespace": "tandem-system", "pod": "tandem-1"}
    of_engine = {"namespace": "serving", "pod": "chat-1", "tandem_dev_deployment": "chat"}
    for answer, labels in ((pages.operator, of_operator), (pages.engine, of_engine)):
        application = web.Application()
        application.router.add_get("/metrics", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        runners.append(runner)
        targets[f"127.0.0.1:{runner.addresses[0][1]}"] = labels
    started = server.serve(tmp_path, free_port(), targets, honor_labels=True)
    try:
        url = await anyio.to_thread.run_sync(started.__enter__)
    except MissingProgramError as missing:
        skip_without(missing)
    yield url
    await anyio.to_thread.run_sync(lambda: started.__exit__(None, None, None))
    for runner in runners:
        await runner.cleanup()


async def test_every_query_of_every_panel_gives_data(prometheus: str) -> None:
    empty = set(queries())
    assert empty
    async with httpx.AsyncClient(base_url=prometheus) as client:
        with anyio.move_on_after(60):
            while empty:
                for query in sorted(empty):
                    if await _has_data(client, query):
                        empty.discard(query)
                await anyio.sleep(0.5)

    assert empty == set()


def queries() -> list[str]:
    """As they stand in the file that Grafana loads, with its variables filled in."""
    board = json.loads(DASHBOARD.read_text())
    expressions = [
        target["expr"] for panel in board["panels"] for target in panel.get("targets", ())
    ]
    assert sorted(expressions) == sorted(dashboard.queries())
    for name, value in VARIABLES.items():
        expressions = [query.replace(name, value) for query in expressions]
    return expressions


async def _has_data(client: httpx.AsyncClient, query: str) -> bool:
    answer = await client.get("/api/v1/query", params={"query": query})
    assert answer.is_success, answer.text
    result = answer.json()["data"]["result"]
    return any(each["value"][1] != "NaN" for each in result)


def test_the_panels_lie_beside_each_other_and_say_what_they_show() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or panel["description"]
    assert len({panel["id"] for panel in panels}) == len(panels)
