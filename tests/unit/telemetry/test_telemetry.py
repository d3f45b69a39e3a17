"""What the operator tells of itself: probes, metrics and lines that machines read."""

from __future__ import annotations

import json
import logging
import socket
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from tandem_operator.telemetry.logs import JsonFormatter
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.telemetry.web import Web


class Probed:
    """A web server whose health a test decides."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}
        self.metrics = Metrics("0.1.0")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.web = Web(
            self.port,
            healthy=lambda: self.wrong.get("healthz"),
            ready=lambda: self.wrong.get("readyz"),
            page=self.metrics.page,
        )

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as asked:
            return await asked.get(f"http://127.0.0.1:{self.port}/{path}")


@pytest.fixture
async def probed() -> AsyncIterator[Probed]:
    made = Probed()
    assert await made.web.start() == made.port
    yield made
    await made.web.stop()


async def test_a_probe_says_what_is_wrong_and_the_other_stays_good(probed: Probed) -> None:
    probed.wrong["readyz"] = "the first listing is not complete"

    answer = await probed.get("readyz")

    assert (answer.status_code, answer.text) == (503, "the first listing is not complete")
    assert (await probed.get("healthz")).status_code == 200


async def test_the_page_counts_writes_and_tells_who_leads(probed: Probed) -> None:
    probed.metrics.write("apply", "Service")
    probed.metrics.write("apply", "Service")
    probed.metrics.leading(True)
    probed.metrics.sizes(3, 1)
    probed.metrics.reconciled("done", 0.01)

    lines = (await probed.get("metrics")).text.splitlines()

    assert 'tandem_operator_info{version="0.1.0"} 1.0' in lines
    assert 'tandem_operator_writes_total{kind="Service",verb="apply"} 2.0' in lines
    assert "tandem_operator_leading 1.0" in lines
    assert "tandem_operator_resources 3.0" in lines
    assert 'tandem_operator_reconcile_seconds_count{result="done"} 1.0' in lines


def test_a_line_is_one_json_object_with_its_traceback() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.LogRecord("a.b", logging.ERROR, "", 1, "%s", ("x\ny",), sys.exc_info())

    text = JsonFormatter().format(record)

    assert "\n" not in text
    line = json.loads(text)
    assert (line["level"], line["logger"], line["message"]) == ("error", "a.b", "x\ny")
    assert "ValueError: two\nlines" in line["exception"]
