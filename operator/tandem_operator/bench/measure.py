"""Measures blocks on a real engine: sets K, loads it, takes the difference of its counters.

`cli/bench.py` calls it. Step times come from the engine's own counters, never from the client's
clock; only request latencies are the client's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tandem_operator.bench.endpoint import Endpoint, EndpointError
from tandem_operator.bench.load import Texts, running
from tandem_operator.bench.measured import Measured, Sample
from tandem_operator.bench.plan import Block
from tandem_operator.bench.steering import Steering
from tandem_operator.engines.metrics.reader import MetricsReader
from tandem_operator.engines.metrics.sample import EngineSample
from tandem_operator.metrics.windows import window_between
from tandem_operator.tuning.acceptance.counts import drafts_of, expected_depths
from tandem_operator.tuning.step_time.cells import observed
from tandem_operator.tuning.window import Window

FILLED_WITHIN_S = 60.0
FEWEST_STEPS = 5.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Times:
    """How long a block is measured, after how long at full load."""

    block_s: float
    warmup_s: float


class Bench:
    """Measures blocks one after another; ``steering`` None: K is left as it is."""

    def __init__(
        self,
        endpoint: Endpoint,
        steering: Steering | None,
        texts: Mapping[str, Texts],
        times: Times,
    ) -> None:
        self._endpoint = endpoint
        self._steering = steering
        self._texts = texts
        self._times = times

    async def measure(self, block: Block) -> Measured:
        """One block. Raises EndpointError when the engine fails meanwhile."""
        if self._steering is not None and block.tokens is not None:
            await self._steering.set_tokens(block.tokens)
        idle = await self._until(lambda sample: sample.running + sample.waiting == 0, "ran dry")
        async with running(self._endpoint, self._texts[block.segment], block.concurrency) as load:
            await self._until(
                lambda sample: sample.running >= block.concurrency,
                f"ran {block.concurrency} requests at once",
                load.check,
            )
            full_s = time.monotonic()
            await _while_loaded(self._times.warmup_s, load.check)
            before = await self._endpoint.sample()
            await _while_loaded(self._times.block_s, load.check)
            after = await self._endpoint.sample()
            inside = [
                answer
                for answer in load.answers
                if answer.started_s >= full_s and answer.ended_s <= after.at_s
            ]
        window = window_between(before, after, replica="bench", speculation_loaded=True)
        if window.reset:
            raise EndpointError("the engine restarted during a block: run again to go on")
        return _measured(
            block,
            window,
            _context_per_request(idle, after, self._texts[block.segment].new_tokens),
            [one.ended_s - one.started_s for one in inside],
        )

    async def _until(
        self,
        settled: Callable[[EngineSample], bool],
        what: str,
        check: Callable[[], None] = lambda: None,
    ) -> EngineSample:
        deadline_s = time.monotonic() + FILLED_WITHIN_S
        while time.monotonic() < deadline_s:
            check()
            sample = await self._endpoint.sample()
            if settled(sample):
                return sample
            await asyncio.sleep(_POLL_S)
        raise EndpointError(
            f"the engine never {what} within {FILLED_WITHIN_S:.0f} s ({sample.running:.0f} "
            f"running, {sample.waiting:.0f} waiting): measure an engine that serves nobody else, "
            "with no more clients than it runs at once"
        )


async def check_speculates(endpoint: Endpoint, reader: MetricsReader) -> None:
    """Raise EndpointError unless the engine has counters, and they speak of speculation."""
    await endpoint.sample()
    if not reader.counts_drafts(await endpoint.page()):
        raise EndpointError(
            f"{endpoint.url}/metrics has no counter of drafts: the engine was started without "
            "speculation; start it with its speculative configuration"
        )


async def depths_in_force(steering: Steering, asked: Sequence[int]) -> tuple[int, ...]:
    """The different K that the engine really runs of those ``asked`` for."""
    in_force = [await steering.set_tokens(tokens) for tokens in sorted(set(asked))]
    return tuple(dict.fromkeys(in_force))


async def _while_loaded(duration_s: float, check: Callable[[], None]) -> None:
    end_s = time.monotonic() + duration_s
    while (left_s := end_s - time.monotonic()) > 0:
        check()
        await asyncio.sleep(min(_POLL_S, left_s))
    check()


def _context_per_request(idle: EngineSample, after: EngineSample, new_tokens: int) -> float:
    """Mean context of a request in tokens, where the engine does not export it.

    Its prompt and half of its answer: all answers are of one length, and none is nearer its end
    than another in a closed loop.
    """
    first = after.totals["first_tokens"] - idle.totals["first_tokens"]
    prompts = after.totals["prefill_tokens"] - idle.totals["prefill_tokens"]
    return (prompts / first if first > 0 else 0.0) + new_tokens / 2


def _measured(
    block: Block, window: Window, context_per_request: float, latencies_s: Sequence[float]
) -> Measured:
    steps = [one for one in observed(window, context_per_request) if one.steps >= FEWEST_STEPS]
    if not steps:
        raise EndpointError(
            f"{block.concurrency} clients made no {FEWEST_STEPS:.0f} steps in "
            f"{window.duration_s:.1f} s: give a longer --block-s"
        )
    mean_tokens = window.draft_tokens / window.drafts if window.drafts else 0.0
    depths = () if block.tokens is None else (block.tokens,)
    drafts = drafts_of(
        window.accepted_by_position,
        window.drafted_by_position,
        window.drafts,
        window.draft_tokens,
        expected_depths(mean_tokens, depths, depths),
    )
    return Measured(
        block=block,
        samples=tuple(
            Sample(
                batch=one.batch,
                tokens=one.tokens,
                seconds=one.seconds,
                steps=one.steps,
                context_tokens=one.context,
                prefill_tokens=one.prefill * one.prefill_share,
            )
            for one in steps
        ),
        accepted=drafts.accepted,
        reached=drafts.reached,
        tokens_per_s=window.generated_tokens / window.duration_s,
        latencies_s=tuple(round(value, 4) for value in sorted(latencies_s)),
    )
