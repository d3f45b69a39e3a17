"""The tuner against every fixed K that the engine has, as `make bench-tuning` compares them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from hack.gpu.measurements.step_times import Say
from hack.gpu.setup.engine import Engine
from hack.tuning import phases, report, run
from hack.tuning.tuner import Tuner
from tandem_operator.bench import session
from tandem_operator.bench.load import Texts
from tandem_operator.bench.measured import Measured
from tandem_operator.bench.plan import Block
from tandem_operator.bench.state import State

_OVERHEAD_S = 3.0


async def measure(engine: Engine, beside: Path, say: Say) -> dict[str, Any] | None:
    """Figures by phase and over all; None when cut short.

    `beside` is the path whose suffixes name what is kept: finished blocks, the tuner's state and
    its journal. Raises EndpointError and StateError.
    """
    lengths = engine.options.lengths
    plan = tuple(
        block
        for block in phases.blocks(lengths.tuned_rounds, seed=1)
        if block.segment in lengths.phases
    )
    by_kind = {
        kind: engine.prompts(kind)
        for phase in phases.PHASES
        if phase.name in lengths.phases
        for kind in phase.mix
    }
    tuner = Tuner(
        run.settings(),
        beside.with_suffix(".tuner"),
        beside.with_suffix(".journal.jsonl"),
    )
    subject = {"settings": dict(phases.SETTINGS), "phases": list(lengths.phases)}
    state = State(beside.with_suffix(".blocks.jsonl"), subject)
    async with engine.opened() as opened:
        model = await opened.endpoint.model()
        texts = {
            phase.name: Texts(model, phases.prompts_of(phase, by_kind), lengths.new_tokens)
            for phase in phases.PHASES
            if phase.name in lengths.phases
        }
        steering = opened.steering
        assert steering is not None
        bench = opened.bench(texts, lengths.tuned)

        async def one(block: Block) -> Measured:
            if block.tokens is not None:
                return await bench.measure(block)
            async with tuner.in_charge(opened.endpoint, steering, block.segment):
                return await bench.measure(block)

        with session.stopped() as stop:
            how = await session.walk(
                plan,
                state,
                one,
                block_s=lengths.tuned.warmup_s + lengths.tuned.block_s + _OVERHEAD_S,
                end_s=engine.end_s,
                stop=stop,
                progress=functools.partial(_report_progress, say),
            )
    if how != session.COMPLETE:
        return None
    return report.document_of(state.done, len(plan))


def _report_progress(say: Say, done: int, planned: int, block: Block | None) -> None:
    if block is not None:
        name = next(name for name, tokens in phases.SETTINGS.items() if tokens == block.tokens)
        say(f"  {done + 1}/{planned}  {block.segment}, {name}")
