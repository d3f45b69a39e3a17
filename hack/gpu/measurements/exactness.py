"""Whether the text is the same, token for token, while K flips many times a second."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from typing import Any

from hack.gpu.setup.engine import KINDS, MODEL, Engine, Open
from hack.tuning.phases import TIERS
from hack.vllm.client import Request, ask_all
from tandem_runtime.contract.table import Range, SpeculationTable

AT_ONCE = 16


async def measure(engine: Engine) -> dict[str, Any]:
    """The answers' token ids; an engine that speculates has its K flipped meanwhile.

    Raises EndpointError.
    """
    lengths = engine.options.lengths
    prompts = [text for kind in KINDS for text in engine.prompts(kind)]
    requests = [
        Request(prompts[number % len(prompts)], lengths.exact_tokens)
        for number in range(lengths.exact_requests)
    ]
    async with engine.opened() as opened:
        before = await opened.endpoint.sample()
        flips = asyncio.create_task(_flip(opened))
        try:
            answers = await ask_all(engine.server.url, MODEL, requests, AT_ONCE)
        finally:
            if flips.done():
                flips.result()
            flips.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await flips
        after = await opened.endpoint.sample()
    return {
        "token_ids": [list(answer.token_ids) for answer in answers],
        "iterations": after.totals["iterations"] - before.totals["iterations"],
        "depths": sorted({depth for _, depth, _ in after.cells or {}}),
    }


def differences(unaided: Mapping[str, Any], flipped: Mapping[str, Any]) -> dict[str, Any]:
    """How many answers differ, and behind how many equal tokens the first of them does."""
    pairs = list(zip(unaided["token_ids"], flipped["token_ids"], strict=True))
    places = [_first_difference(one, other) for one, other in pairs]
    differing = [place for place in places if place is not None]
    return {
        "answers": len(pairs),
        "differing": len(differing),
        "first_at": min(differing) if differing else None,
        "iterations": flipped["iterations"],
        "depths": flipped["depths"],
    }


def _first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    if list(one) == list(other):
        return None
    same = [a == b for a, b in zip(one, other, strict=False)]
    return same.index(False) if False in same else len(same)


async def _flip(opened: Open) -> None:
    """Another K as soon as the last one is in force, until cancelled."""
    draw = random.Random(1)
    while opened.steering is not None:
        await opened.steering.put(
            SpeculationTable(lock="", generation=0, schedule=(Range(1, 1024, draw.choice(TIERS)),))
        )
