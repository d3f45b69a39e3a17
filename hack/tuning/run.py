"""One engine, all blocks in their order; every finished block is on the disk before the next.

Interrupted or out of time, the same command goes on where it ended.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from hack.pair.measuring.bench import read_prompts, steerable
from hack.tuning import neighbours, phases
from hack.tuning.tuner import Tuner
from tandem_operator.bench import plan as plans
from tandem_operator.bench import session
from tandem_operator.bench.endpoint import Endpoint
from tandem_operator.bench.load import Texts
from tandem_operator.bench.measure import Bench, Times
from tandem_operator.bench.measured import Measured
from tandem_operator.bench.plan import Block
from tandem_operator.bench.state import State
from tandem_operator.bench.steering import Steering
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.tuning import Settings

STABILIZATION_S = 30.0
"""The resource's default."""
JOURNAL = "journal.jsonl"
QUIET_S = 3.0
_OVERHEAD_S = 3.0


@dataclass(frozen=True)
class Options:
    """What is measured, and where it is kept."""

    target: Path
    draft: Path
    prompts: Path
    folder: Path
    rounds: int
    times: Times
    new_tokens: int
    limit_s: float
    seed: int


def settings() -> Settings:
    """The tuner's, as the operator has them for such an engine."""
    return Settings(max_tokens=phases.DEEPEST, tiers=phases.TIERS, stabilization_s=STABILIZATION_S)


def blocks_file(options: Options) -> Path:
    return options.folder / "blocks.jsonl"


def state_of(options: Options) -> State:
    """Finished blocks so far. Raises StateError for those of another measurement."""
    options.folder.mkdir(parents=True, exist_ok=True)
    subject = {
        "target": options.target.name,
        "draft": options.draft.name,
        "phases": {phase.name: [phase.clients, dict(phase.mix)] for phase in phases.PHASES},
        "settings": dict(phases.SETTINGS),
        "new_tokens": options.new_tokens,
        "block_s": options.times.block_s,
        "warmup_s": options.times.warmup_s,
        "seed": options.seed,
    }
    return State(blocks_file(options), subject)


def prompts_by_phase(options: Options) -> dict[str, tuple[str, ...]]:
    """What clients of each phase ask in turn. Raises FileNotFoundError for a missing kind."""
    kinds = {kind for phase in phases.PHASES for kind in phase.mix}
    by_kind = {kind: read_prompts(options.prompts, kind) for kind in kinds}
    return {phase.name: phases.prompts_of(phase, by_kind) for phase in phases.PHASES}


def prompt_tokens(options: Options) -> dict[str, list[int]]:
    """Lengths of the same in tokens."""
    tokenizer = Tokenizer.from_file(str(options.target / "tokenizer.json"))
    return {
        name: [len(tokenizer.encode(prompt).ids) for prompt in prompts]
        for name, prompts in prompts_by_phase(options).items()
    }


def measure(options: Options, state: State, say: Callable[[str], None]) -> bool:
    """Measure what is left; True when every block is done.

    Raises EndpointError, ServerFailedError and EnvironmentMissingError.
    """
    plan = phases.blocks(options.rounds, options.seed)
    if not plans.remaining(plan, [one.block for one in state.done]):
        return True
    say("starting the engine")
    with steerable(options.target, options.draft, phases.TIERS) as (url, table):
        return asyncio.run(_blocks(options, state, plan, url, table, say))


async def _blocks(
    options: Options,
    state: State,
    plan: tuple[Block, ...],
    url: str,
    table: Path,
    say: Callable[[str], None],
) -> bool:
    end_s = time.monotonic() + options.limit_s
    settings = Settings(
        max_tokens=phases.DEEPEST, tiers=phases.TIERS, stabilization_s=STABILIZATION_S
    )
    tuner = Tuner(settings, options.folder / "tuner.json", options.folder / JOURNAL)
    block_s = options.times.warmup_s + options.times.block_s + _OVERHEAD_S
    async with Endpoint(
        url, DRIVER.metrics, max(phase.clients for phase in phases.PHASES)
    ) as endpoint:
        model = await endpoint.model()
        texts = {
            name: Texts(model, prompts, options.new_tokens)
            for name, prompts in prompts_by_phase(options).items()
        }
        steering = Steering(endpoint, table)
        bench = Bench(endpoint, steering, texts, options.times)
        with session.stopped() as stop:
            how = await session.walk(
                plan,
                state,
                lambda block: _undisturbed(block, bench, tuner, endpoint, steering, say),
                block_s=block_s,
                end_s=end_s,
                stop=stop,
                progress=lambda done, planned, _: _report_progress(done, planned, state, say),
            )
    return how == session.COMPLETE


def _report_progress(done: int, planned: int, state: State, say: Callable[[str], None]) -> None:
    if state.done:
        last = state.done[-1]
        say(f"{done}/{planned}  {_named(last.block)}  {last.tokens_per_s:.0f} tokens/s")


async def _undisturbed(
    block: Block,
    bench: Bench,
    tuner: Tuner,
    endpoint: Endpoint,
    steering: Steering,
    say: Callable[[str], None],
) -> Measured:
    """The block's first measurement beside no busy neighbour."""
    while True:
        await _quiet(say)
        before = neighbours.processor_times()
        measured = await _one(block, bench, tuner, endpoint, steering)
        cores = neighbours.others_cores(before, neighbours.processor_times())
        if cores < neighbours.BUSY_CORES:
            return measured
        say(f"{_named(block)}  again: others kept {cores:.2f} cores busy")


async def _quiet(say: Callable[[str], None]) -> None:
    """Return once others left the machine alone for a moment."""
    waited = False
    while True:
        before = neighbours.processor_times()
        await asyncio.sleep(QUIET_S)
        cores = neighbours.others_cores(before, neighbours.processor_times())
        if cores < neighbours.BUSY_CORES:
            return
        if not waited:
            say(f"waiting: others keep {cores:.2f} cores busy")
            waited = True


async def _one(
    block: Block, bench: Bench, tuner: Tuner, endpoint: Endpoint, steering: Steering
) -> Measured:
    if block.tokens is not None:
        return await bench.measure(block)
    async with tuner.in_charge(endpoint, steering, block.segment):
        return await bench.measure(block)


def _named(block: Block) -> str:
    name = next(name for name, tokens in phases.SETTINGS.items() if tokens == block.tokens)
    return f"round {block.round + 1}  {block.segment:<9} {name:<8}"
