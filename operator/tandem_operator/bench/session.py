"""One run: what is left of the plan, block by block, until it is done, out of time or interrupted.

`cli/bench.py` calls it. Whatever ends the run, finished blocks are in the state file and the
engine has its own table again.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tandem_operator.bench import plan as plans
from tandem_operator.bench.endpoint import Endpoint
from tandem_operator.bench.load import Texts
from tandem_operator.bench.measure import Bench, Times, check_speculates, depths_in_force
from tandem_operator.bench.measured import Measured
from tandem_operator.bench.plan import Block
from tandem_operator.bench.state import State, path_beside
from tandem_operator.bench.steering import Steering
from tandem_operator.engines.metrics.reader import MetricsReader

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


async def run(options: Options, reader: MetricsReader, progress: Progress) -> Ended:
    """Measure what is left.

    Raises EndpointError, PlanError, StateError and OSError; finished blocks are kept.
    """
    end_s = time.monotonic() + options.limit_s
    async with Endpoint(options.url, reader, max(options.concurrencies)) as endpoint:
        await check_speculates(endpoint, reader)
        model = options.model or await endpoint.model()
        state = State(path_beside(options.out), _subject(options, endpoint.url, model))
        if options.table_file is None:
            with stopped() as stop:
                how, planned = await _blocks(
                    options, endpoint, model, None, state, (None,), end_s, stop, progress
                )
        else:
            steering = Steering(endpoint, options.table_file)
            try:
                depths = await depths_in_force(steering, options.tokens)
                with stopped() as stop:
                    how, planned = await _blocks(
                        options, endpoint, model, steering, state, depths, end_s, stop, progress
                    )
            finally:
                steering.restore()
    return Ended(how, state, planned, model)


@contextlib.contextmanager
def stopped() -> Iterator[asyncio.Event]:
    """An event that a stop from outside sets, so that what is finished can be kept.

    Only around what can be kept: before that, Ctrl-C ends the command at once.
    """
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, event.set)
    try:
        yield event
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def walk(
    plan: Sequence[Block],
    state: State,
    measure: Callable[[Block], Awaitable[Measured]],
    *,
    block_s: float,
    end_s: float,
    stop: asyncio.Event,
    progress: Progress,
) -> str:
    """Measure what is left of ``plan``, each block kept before the next one; how it ended.

    A block begins only if ``block_s`` fit before ``end_s`` (monotonic). Raises what ``measure``
    raises; the block under way is lost then, as at a stop.
    """
    left = plans.remaining(plan, [one.block for one in state.done])
    done = len(plan) - len(left)
    for block in left:
        if time.monotonic() + block_s > end_s:
            return OUT_OF_TIME
        progress(done, len(plan), block)
        measuring = asyncio.ensure_future(measure(block))
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
            return INTERRUPTED if stop.is_set() else OUT_OF_TIME
        state.add(measuring.result())
        done += 1
    progress(done, len(plan), None)
    return COMPLETE


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
    how = await walk(
        plan,
        state,
        Bench(endpoint, steering, texts, options.times).measure,
        block_s=options.times.warmup_s + options.times.block_s + _OVERHEAD_S,
        end_s=end_s,
        stop=stop,
        progress=progress,
    )
    return how, len(plan)


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
