"""A closed loop of clients against an OpenAI-compatible endpoint.

Requests are not streamed: on a small machine the client's own handling of a stream of events takes
the time that it is to measure. Time per token comes from the engine's counters (`engine.py`).
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp


@dataclass(frozen=True)
class Request:
    """One finished request: times on the monotonic clock, `error` empty when it succeeded."""

    phase: str
    start_s: float
    end_s: float
    output_tokens: int
    error: str = ""

    @property
    def latency_s(self) -> float:
        return self.end_s - self.start_s


@dataclass(frozen=True)
class Phase:
    """`clients` closed-loop clients that send `prompts` in turn for `duration_s` seconds.

    Answers have `output_tokens` tokens on average.
    """

    name: str
    clients: int
    prompts: Sequence[str]
    duration_s: float
    output_tokens: int = 96
    temperature: float = 0.0


async def run_phase(endpoint: str, model: str, phase: Phase, finished: list[Request]) -> None:
    """Drive one phase; each request is appended to `finished` as it ends.

    A client starts no request after the phase's end and waits for its last one, at most 120 s.
    """
    end_s = time.monotonic() + phase.duration_s
    prompts = itertools.cycle(phase.prompts)
    # Answers of one length end together, and sixteen clients would come and go as one.
    lengths = itertools.cycle(
        round(phase.output_tokens * share) for share in (1.0, 0.7, 1.2, 0.85, 1.35, 0.9, 1.1, 0.75)
    )
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(endpoint, timeout=timeout) as session:

        async def client() -> None:
            while time.monotonic() < end_s:
                finished.append(await send(session, model, phase, next(prompts), next(lengths)))

        await asyncio.gather(*(client() for _ in range(phase.clients)))


async def send(
    session: aiohttp.ClientSession, model: str, phase: Phase, prompt: str, output_tokens: int
) -> Request:
    body = {
        "model": model,
        "prompt": prompt,
        "max_tokens": output_tokens,
        "temperature": phase.temperature,
        "ignore_eos": True,
    }
    start_s = time.monotonic()
    tokens, error = 0, ""
    try:
        async with session.post("/v1/completions", json=body) as answer:
            if answer.status == 200:
                tokens = (await answer.json())["usage"]["completion_tokens"]
            else:
                error = f"HTTP {answer.status}: {(await answer.text())[:200]}"
    except (aiohttp.ClientError, TimeoutError) as problem:
        error = f"{type(problem).__name__}: {problem}"
    return Request(phase.name, start_s, time.monotonic(), tokens, error)
