"""At which batch sizes each K runs as a FULL CUDA graph.

So many requests at once, each answer a little longer than the one before: the batch falls from all
of them to one, and every size has its steps. vLLM's own log says how each step ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hack.gpu.setup import start_log
from hack.gpu.setup.engine import KINDS, MODEL, Engine
from hack.vllm.client import Request, ask_all
from tandem_operator.bench.measure import depths_in_force

FULL_FROM = 0.5
"""A batch size counts as FULL when at least this share of its steps was: a step that admitted a
request may have as many tokens as another batch's."""


async def measure(engine: Engine, asked: Sequence[int]) -> dict[str, Any]:
    """By K: which batch sizes were seen and which of them ran FULL. Raises EndpointError."""
    lengths = engine.options.lengths
    count = lengths.sweep_requests
    prompts = engine.prompts(KINDS[0])
    requests = [
        Request(
            prompts[number % len(prompts)],
            max(1, lengths.sweep_tokens * (number + 1) // count),
            body={"ignore_eos": True},
        )
        for number in range(count)
    ]
    figures: dict[str, Any] = {}
    async with engine.opened() as opened:
        depths: Sequence[int] = (0,)
        if opened.steering is not None:
            depths = await depths_in_force(opened.steering, asked)
        for depth in depths:
            if opened.steering is not None:
                await opened.steering.set_tokens(depth)
            place = len(engine.log())
            await ask_all(engine.server.url, MODEL, requests, count)
            steps = await engine.steps_since(place)
            shares = start_log.full_by_batch(steps, depth, range(1, count + 1))
            full = [batch for batch, share in shares.items() if share >= FULL_FROM]
            figures[str(depth)] = {
                "batches_seen": len(shares),
                "batches_full": len(full),
                "not_full": sorted(set(shares) - set(full)),
                "steps": sum(steps.values()),
                "share_of_steps": start_log.full_share(steps),
            }
    return {"by_depth": figures, "requests": count}
