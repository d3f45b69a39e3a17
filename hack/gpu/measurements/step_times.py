"""Step time by (K, batch): closed loops of clients at each K, by the plugin's own counters."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hack.gpu.setup.engine import Engine
from hack.gpu.setup.setups import TIERED
from hack.tuning.phases import DEEPEST, TIERS
from tandem_operator.bench import plan as plans
from tandem_operator.bench import session
from tandem_operator.bench.fit import pooled
from tandem_operator.bench.measure import depths_in_force
from tandem_operator.bench.measured import Measured, Sample, to_document
from tandem_operator.bench.state import State

Say = Callable[[str], None]
_OVERHEAD_S = 2.0


async def measure(engine: Engine, blocks_file: Path, say: Say) -> dict[str, Any] | None:
    """Every K of the tiers that the engine really runs, at every concurrency; None when cut short.

    Of engines that are only compared with the tiered one, K=0 and the deepest. An engine without
    speculation is measured as it is. Finished blocks are kept in `blocks_file`.

    Raises EndpointError and StateError.
    """
    lengths = engine.options.lengths
    tiered = engine.setup.name == TIERED
    kinds = lengths.kinds if tiered else lengths.kinds[:1]
    asked = TIERS if tiered else (0, DEEPEST)
    async with engine.opened() as opened:
        depths: tuple[int | None, ...] = (None,)
        if opened.steering is not None:
            depths = await depths_in_force(opened.steering, asked)
        subject = {"setup": engine.setup.name, "depths": list(depths)}
        state = State(blocks_file, subject)
        plan = plans.blocks(depths, lengths.concurrencies, kinds, lengths.rounds)
        bench = opened.bench({kind: engine.texts(kind) for kind in kinds}, lengths.times)
        with session.stopped() as stop:
            how = await session.walk(
                plan,
                state,
                bench.measure,
                block_s=lengths.times.warmup_s + lengths.times.block_s + _OVERHEAD_S,
                end_s=engine.end_s,
                stop=stop,
                progress=functools.partial(_report_progress, say),
            )
    if how != session.COMPLETE:
        return None
    return result_of(state.done)


def result_of(measured: Sequence[Measured]) -> dict[str, Any]:
    """The blocks, and step times of steps without prefill by batch and K."""
    return {
        "blocks": [to_document(one) for one in measured],
        "steps": [
            {
                "batch": round(sample.batch, 2),
                "tokens": sample.tokens,
                "ms": round(1e3 * sample.seconds, 4),
                "steps": round(sample.steps),
            }
            for sample in without_prefill(measured)
        ],
    }


def without_prefill(measured: Sequence[Measured]) -> list[Sample]:
    """Pooled samples of steps that only decode."""
    return [sample for sample in pooled(measured) if sample.prefill_tokens == 0]


def _report_progress(say: Say, done: int, planned: int, block: plans.Block | None) -> None:
    if block is not None:
        depth = "K in force" if block.tokens is None else f"K={block.tokens}"
        say(f"  {done + 1}/{planned}  {block.concurrency} clients, {depth}, {block.segment}")
