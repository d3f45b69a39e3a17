"""Replicas read through Prometheus: raw samples of one scrape, by whoever may ask for them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.metrics.page import parse
from tandem_operator.metrics.prometheus import PrometheusReader, selector
from tandem_operator.metrics.replicas import Replica
from tandem_operator.metrics.scrape import MalformedError, UnreachableError
from tests.unit.metrics.builders import plugin_lines, stock_page

PAGE = stock_page() + plugin_lines()
PREFIXES = ("vllm:", "vllm_", "tandem:")


def replica(name: str) -> Replica:
    return Replica(name, f"uid-{name}", "127.0.0.1", 8000, "aaaa", "shape", True, (0, 5))


def series(text: str, pod: str, *times_s: float) -> list[dict[str, Any]]:
    """The page as Prometheus keeps it: one series each, with a value at each scrape."""
    return [
        {
            "metric": {"__name__": name, "pod": pod, **labels},
            "values": [[at_s, str(value)] for at_s in times_s],
        }
        for name, samples in parse(text, PREFIXES).samples.items()
        for labels, value in samples
    ]


class Prometheus:
    def __init__(self) -> None:
        self.series: list[dict[str, Any]] = []
        self.status = 200
        self.asked: list[web.Request] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.status == 302:
            raise web.HTTPFound(f"{self.url}/elsewhere")
        if self.status != 200:
            return web.json_response({"status": "error", "error": "busy"}, status=self.status)
        data = {"resultType": "matrix", "result": self.series}
        return web.json_response({"status": "success", "data": data})


@pytest.fixture
async def prometheus() -> AsyncIterator[Prometheus]:
    server = Prometheus()
    application = web.Application()
    application.router.add_get("/{path:.*}", server.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield server
    with contextlib.suppress(RuntimeError):
        await runner.cleanup()


async def test_each_pod_has_its_own_newest_scrape(prometheus: Prometheus) -> None:
    slower = PAGE.replace("tandem:applied_generation 3", "tandem:applied_generation 2")
    prometheus.series = [*series(PAGE, "a", 90.0, 100.0), *series(slower, "b", 95.0)]

    outcomes = await PrometheusReader(prometheus.url).read(
        "serving", (replica("a"), replica("b"), replica("c")), DRIVER.metrics
    )

    assert outcomes["a"] == DRIVER.metrics.read(parse(PAGE, PREFIXES), 100.0)
    assert outcomes["b"] == DRIVER.metrics.read(parse(slower, PREFIXES), 95.0)
    assert isinstance(outcomes["c"], UnreachableError)
    assert "no sample of the last 60s" in str(outcomes["c"])


async def test_a_series_that_the_newest_scrape_lacks_is_not_taken_from_an_older_one(
    prometheus: Prometheus,
) -> None:
    now = [each for each in series(PAGE, "a", 100.0) if "segment" not in each["metric"]]
    then = [each for each in series(PAGE, "a", 90.0) if "segment" in each["metric"]]
    prometheus.series = [*then, *now]

    outcomes = await PrometheusReader(prometheus.url).read("n", (replica("a"),), DRIVER.metrics)

    sample = outcomes["a"]
    assert isinstance(sample, EngineSample)
    assert sample.at_s == 100.0
    assert not sample.segments


async def test_names_of_the_plugin_are_read_however_prometheus_spells_them(
    prometheus: Prometheus,
) -> None:
    prometheus.series = series(PAGE, "a", 100.0)
    for each in prometheus.series:
        each["metric"]["__name__"] = each["metric"]["__name__"].replace("tandem:", "tandem_")

    outcomes = await PrometheusReader(prometheus.url).read("n", (replica("a"),), DRIVER.metrics)

    assert outcomes["a"] == DRIVER.metrics.read(parse(PAGE, PREFIXES), 100.0)


async def test_a_page_of_another_program_is_malformed(prometheus: Prometheus) -> None:
    prometheus.series = [{"metric": {"__name__": "vllm:other", "pod": "a"}, "values": [[1, "2"]]}]

    outcomes = await PrometheusReader(prometheus.url).read("n", (replica("a"),), DRIVER.metrics)

    assert isinstance(outcomes["a"], MalformedError)
    assert str(outcomes["a"]).startswith("a: ")


@pytest.mark.parametrize(("status", "word"), [(302, "redirects are not followed"), (503, "503")])
async def test_every_replica_is_lost_with_its_reason_while_prometheus_does_not_answer(
    prometheus: Prometheus, status: int, word: str
) -> None:
    prometheus.status = status

    outcomes = await PrometheusReader(prometheus.url.replace("//", "//user:hidden@")).read(
        "n", (replica("a"), replica("b")), DRIVER.metrics
    )

    assert set(outcomes) == {"a", "b"}
    for lost in outcomes.values():
        assert isinstance(lost, UnreachableError)
        assert word in str(lost)
        assert "hidden" not in str(lost), "no password of the URL is told"
    assert len(prometheus.asked) == 1, "nothing is asked again before the next round"


async def test_token_tenant_and_headers_are_sent_and_the_token_is_read_again(
    prometheus: Prometheus, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    reader = PrometheusReader(
        prometheus.url, token_file=str(token), headers={"X-Team": "ml"}, tenant="us|eu"
    )
    for content in ("first\n", "second"):
        token.write_text(content)
        await reader.read("n", (replica("a"),), DRIVER.metrics)

    first, second = (request.headers for request in prometheus.asked)
    assert first["Authorization"] == "Bearer first"
    assert second["Authorization"] == "Bearer second"
    assert (first["X-Team"], first["X-Scope-OrgID"]) == ("ml", "us|eu")


async def test_a_token_that_cannot_be_read_is_the_reason(prometheus: Prometheus) -> None:
    reader = PrometheusReader(prometheus.url, token_file="/none/token")

    outcomes = await reader.read("n", (replica("a"),), DRIVER.metrics)

    assert "/none/token" in str(outcomes["a"])
    assert prometheus.asked == []


def test_the_query_names_the_pods_alone() -> None:
    query = selector("serving", ("chat-1", "chat.2"), DRIVER.metrics)

    assert 'namespace="serving"' in query
    assert 'pod=~"chat-1|chat\\\\.2"' in query
    assert '__name__!~".+_bucket"' in query
    assert "tandem" in query and query.endswith("[60s]")


@pytest.mark.parametrize("name", ['a"}', "a|.*", "a b", "a{"])
def test_a_name_that_kubernetes_would_not_have_reaches_no_query(name: str) -> None:
    with pytest.raises(ValueError, match="is no name of a Kubernetes object"):
        selector("serving", (name,), DRIVER.metrics)
