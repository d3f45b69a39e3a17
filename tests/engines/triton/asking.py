"""Requests to the model by Triton's generate extension, and readings of its page."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx

from hack.triton.server import Pod
from tandem_runtime.contract.table import MAX_REQUESTS, Range, SpeculationTable

PROMPTS = ("def read(", "class Queue", "The weather", "import os\n", "return self.", "for name in")
LIMIT_S = 30.0


def generate(place: Pod, **body: Any) -> httpx.Response:
    """One answer of `/generate`; greedy and 24 tokens unless told otherwise."""
    body = {"text_input": PROMPTS[0], "temperature": 0, "max_tokens": 24, **body}
    return httpx.post(f"{place.model_url}/generate", json=body, timeout=LIMIT_S)


def stream(place: Pod, **body: Any) -> list[dict[str, Any]]:
    """The events of `/generate_stream`."""
    body = {"text_input": PROMPTS[0], "temperature": 0, "max_tokens": 24, "stream": True, **body}
    url = f"{place.model_url}/generate_stream"
    with httpx.stream("POST", url, json=body, timeout=LIMIT_S) as answer:
        lines = [line for line in answer.iter_lines() if line]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def page(place: Pod) -> list[str]:
    """The lines of the metrics page that are samples."""
    lines = httpx.get(f"{place.page_url}/metrics", timeout=LIMIT_S).text.splitlines()
    return [line for line in lines if not line.startswith("#")]


def sample(place: Pod, name: str) -> float:
    """The sum of a series."""
    lines = [line for line in page(place) if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def shows(place: Pod, generation: int, tokens: int) -> Callable[[], bool]:
    """Whether the page has that generation, and that K for every batch."""

    def seen() -> bool:
        lines = page(place)
        effective = [line for line in lines if line.startswith("tandem:effective_tokens{")]
        return f"tandem:applied_generation {generation}" in lines and [
            line.rpartition(" ")[2] for line in effective
        ] == [str(tokens)]

    return seen


def table(generation: int, tokens: int, **more: Any) -> SpeculationTable:
    """The same K for every batch."""
    return SpeculationTable("", generation, (Range(1, MAX_REQUESTS, tokens),), epoch="e", **more)


def wait(condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> float:
    """Seconds until the condition holds; fails after the limit."""
    begun_s = time.monotonic()
    while time.monotonic() - begun_s < limit_s:
        if condition():
            return time.monotonic() - begun_s
        time.sleep(0.02)
    raise AssertionError(f"not within {limit_s} s: {what}")


def settled(place: Pod, *names: str) -> tuple[float, ...]:
    """The sums of these series once they have not moved for longer than the page takes."""
    values: tuple[float, ...] = ()
    since_s = time.monotonic()

    def still() -> bool:
        nonlocal values, since_s
        now = tuple(sample(place, name) for name in names)
        if now != values:
            values, since_s = now, time.monotonic()
        return time.monotonic() - since_s > 1.5

    wait(still, f"{names} settled")
    return values
