"""One run: what is left of the plan, block by block, until it is done, out of time or interrupted.

`cli/bench.py` calls it. Whatever ends the run, finished blocks are in the state file and the
engine has its own table again.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tandem_operator.bench import plan as plans
from tandem_operator.bench.endpoint import Endpoint
from tandem_operator.bench.load import Texts
from tandem_operator.bench.measure import Bench, Times, check_speculates, depths_in_force
from tandem_operator.bench.plan import Block
from tandem_operator.bench.state import State, path_beside
from tandem_operator.bench.steering import Steering
from tandem_operator.engines.series import Series

COMPLETE, OUT_OF_TIME, INTERRUPTED = "complete", "out of time", "interrupted"
_OVERHEAD_S = 1.0

Progress = Callable[[int, int, Block | None], None]
"""Called with blocks done, blocks planned and the block that begins (None: none is left)."""


@dataclass(frozen=True)
class Options:
    """What a run measures. ``tokens`` are the K to set where there is a ``table_file``."""

    url: str
    model: str | None
    table_file: Path | None
    out: Path
    tokens: tuple[int, ...]
    concurrencies: tuple[int, ...]
    prompts: Mapping[str, tuple[str, ...]]
    new_tokens: int
    rounds: int
    times: Times
    limit_s: float
    seed: int


@dataclass(frozen=True)
class Ended:
    """How the run ended and what is measured by now, earlier runs included."""

    how: str
    state: State
    planned: int
    model: str


async def run(options: Options, series: Series, progress: Progress) -> Ended:
    """Measure what is left.

    Raises EndpointError, PlanError, StateError and OSError; finished blocks are kept.
    """
    end_s = time.monotonic() + options.limit_s
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    try:
        async with Endpoint(options.url, series, max(options.concurrencies)) as endpoint:
            await check_speculates(endpoint, series)
            model = options.model or await endpoint.model()
            state = State(path_beside(options.out), _subject(options, endpoint.url, model))
            if options.table_file is None:
                how, planned = await _blocks(
                    options, endpoint, model, None, state, (None,), end_s, stop, progress
                )
            else:
                steering = Steering(endpoint, options.table_file)
                try:
                    depths = await depths_in_force(steering, options.tokens)
                    how, planned = await _blocks(
                        options, endpoint, model, steering, state, depths, end_s, stop, progress
                    )
                finally:
                    steering.restore()
        return Ended(how, state, planned, model)
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)


async def _blocks(
    options: Options,
    endpoint: Endpoint,
    model: str,
    steering: Steering | None,
    state: State,
    depths: tuple[int | None, ...],
    end_s: float,
    stop: asyncio.Event,
    progress: Progress,
) -> tuple[str, int]:
    plan = plans.blocks(
        depths, options.concurrencies, tuple(options.prompts), options.rounds, options.seed
    )
    texts = {
        name: Texts(model, prompts, options.new_tokens) for name, prompts in options.prompts.items()
    }
    bench = Bench(endpoint, steering, texts, options.times)
    left = plans.remaining(plan, [one.block for one in state.done])
    done = len(plan) - len(left)
    one_s = options.times.warmup_s + options.times.block_s + _OVERHEAD_S
    for block in left:
        if time.monotonic() + one_s > end_s:
            return OUT_OF_TIME, len(plan)
        progress(done, len(plan), block)
        measuring = asyncio.create_task(bench.measure(block))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait(
            {measuring, stopping},
            timeout=end_s - time.monotonic(),
            return_when=asyncio.FIRST_COMPLETED,
        )
        stopping.cancel()
        if not measuring.done():
            measuring.cancel()
            await asyncio.gather(measuring, return_exceptions=True)
            return INTERRUPTED if stop.is_set() else OUT_OF_TIME, len(plan)
        state.add(measuring.result())
        done += 1
    progress(done, len(plan), None)
    return COMPLETE, len(plan)


def _subject(options: Options, url: str, model: str) -> dict[str, object]:
    return {
        "url": url,
        "model": model,
        "tokens": list(options.tokens) if options.table_file else None,
        "concurrencies": list(options.concurrencies),
        "segments": {name: len(prompts) for name, prompts in options.prompts.items()},
        "new_tokens": options.new_tokens,
        "block_s": options.times.block_s,
        "warmup_s": options.times.warmup_s,
        "rounds": options.rounds,
        "seed": options.seed,
    }
