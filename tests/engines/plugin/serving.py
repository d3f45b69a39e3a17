"""Builders for the tests on a real server: the table file, the page, the requests."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from hack.vllm.client import Answer, Request, ask_all
from tandem_runtime.contract.table import Range, SpeculationTable, render

PAIR = Path(__file__).resolve().parents[3] / "examples" / "tiny-pair"
TARGET = PAIR / "target"
DRAFT = PAIR / "draft"
DEEPEST = 5
NAME = "tiny"
"""The model's name on every server: it must not tell two servers' answers apart."""


class TableFile:
    """The table of one server, written as a ConfigMap volume would: a whole new file at once."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "speculation.json"
        self.generation = 0

    def put(self, *schedule: tuple[int, int, int], **changes: Any) -> int:
        """Write the next generation and return it."""
        self.generation += 1
        table = SpeculationTable(
            lock="", epoch="e", generation=self.generation,
            schedule=tuple(Range(*span) for span in schedule), **changes,
        )  # fmt: skip
        temporary = self.path.with_suffix(".new")
        temporary.write_text(render(table))
        temporary.replace(self.path)
        return self.generation


class Page:
    """The engine's /metrics at one moment."""

    def __init__(self, url: str) -> None:
        text = httpx.get(f"{url}/metrics", follow_redirects=True, timeout=10.0).text
        self.samples = [
            sample
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name.startswith("tandem:")
        ]

    def value(self, name: str, **labels: str) -> float:
        """Sum of the samples with this name and at least these labels."""
        values: list[float] = [
            sample.value
            for sample in self.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(values)

    def labels(self, name: str) -> list[dict[str, str]]:
        return [dict(sample.labels) for sample in self.samples if sample.name == name]


def wait_for(condition: Callable[[], bool], limit_s: float = 10.0) -> float:
    """Seconds until the condition holds; AssertionError when it does not within the limit."""
    started_s = time.monotonic()
    while not condition():
        assert time.monotonic() - started_s < limit_s, f"not true within {limit_s} s"
    return time.monotonic() - started_s


def prompts(count: int) -> list[str]:
    """Prompts of the tiny pair, code and prose in turn."""
    code, prose = (
        [json.loads(line)["prompt"] for line in (PAIR / "prompts" / name).open()]
        for name in ("code.jsonl", "prose.jsonl")
    )
    return [text for pair in zip(code, prose, strict=True) for text in pair][:count]


def plain(count: int, max_tokens: int = 64) -> list[Request]:
    return [Request(prompt, max_tokens=max_tokens) for prompt in prompts(count)]


_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "size": {"type": "integer"}},
    "required": ["name", "size"],
    "additionalProperties": False,
}
_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "store", "parameters": _SCHEMA},
}
SEGMENT = "constrained"


def constrained(count: int) -> list[Request]:
    """In turn by JSON schema, by regular expression and by a named tool; marked as one segment."""
    bodies: Sequence[dict[str, Any]] = (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "thing", "schema": _SCHEMA},
            }
        },
        {"structured_outputs": {"regex": r"[a-z]{3,12}( [a-z]{3,12}){3,8}"}},
        {
            "tools": [_TOOL],
            "tool_choice": {"type": "function", "function": {"name": "store"}},
        },
    )
    return [
        Request(prompt, max_tokens=40, chat=True, body=segment(bodies[number % 3]))
        for number, prompt in enumerate(prompts(count))
    ]


def with_tools(**fields: Any) -> Request:
    """A request in which the model itself decides whether to call a tool; `fields` of the tool."""
    tool = {"type": "function", "function": {**_TOOL["function"], **fields}}
    body = segment({"tools": [tool], "tool_choice": "auto"})
    return Request(prompts(1)[0], max_tokens=40, chat=True, body=body)


def segment(body: dict[str, Any]) -> dict[str, Any]:
    return {**body, "vllm_xargs": {"tandem_segment": SEGMENT}}


def answers(url: str, requests: list[Request], concurrency: int) -> list[Answer]:
    return asyncio.run(ask_all(url, NAME, requests, concurrency))


def texts(given: list[Answer]) -> list[tuple[tuple[int, ...], str]]:
    return [(answer.token_ids, answer.text) for answer in given]


@dataclass(frozen=True)
class Tandem:
    """A server that speculates with the plugin, and its table."""

    url: str
    table: TableFile

    def put(self, *schedule: tuple[int, int, int], **changes: object) -> float:
        """Put a table into force; seconds until the server's page says so."""
        generation = self.table.put(*schedule, **changes)
        return wait_for(lambda: Page(self.url).value("tandem:applied_generation") == generation)

    def settled(self) -> Page:
        """The page once every step before this call is counted."""
        asked_s = time.monotonic()

        def counted() -> bool:
            sent_s = time.monotonic()
            page = Page(self.url)
            # A whole request fits between two reports: the older one is idle, too.
            newer = page.value("tandem:heartbeat_seconds") < sent_s - asked_s
            return newer and page.value("tandem:context_tokens") == 0

        wait_for(counted)
        return Page(self.url)
