"""Compares the simulator with a real engine, block by block of a real run.

Each block is played with the same clients, mix, lengths and K on the profile that was fitted to
that engine, as often and as long as it was measured; the medians over repeats are compared. Pure;
called by `against_command` and by whoever measured the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import numpy as np

from tandem_operator.simulation.comparison.difference import Difference, Figures
from tandem_operator.simulation.comparison.real_run import RealBlock, RealRunError
from tandem_operator.simulation.policies import Fixed, Policy, Tuned
from tandem_operator.simulation.run import World, run
from tandem_operator.simulation.world.load.loops import mixed_loop
from tandem_operator.simulation.world.profile import Engine
from tandem_operator.tuning import Settings

WARMUP_S = 2.0
LEARNED_S = 180.0  # the real tuner keeps what it learned; the simulated one learns before it counts
STABILIZATION_S = 30.0


def compare(
    engine: Engine, blocks: Sequence[RealBlock], tiers: Sequence[int] | None = None
) -> tuple[Difference, ...]:
    """One difference a phase and setting, in the order of the run.

    `tiers` are the depths that the tuner may choose; None: all.

    Raises:
        RealRunError: a block names a segment or a depth that the profile does not have.
    """
    truth = smooth(engine)
    groups: dict[tuple[str, str], list[RealBlock]] = {}
    for block in blocks:
        check(engine, block)
        groups.setdefault((block.phase, block.setting), []).append(block)
    return tuple(
        Difference(
            phase,
            setting,
            len(group),
            _medians([Figures(b.tokens_per_s, b.latency_p50_s, b.latency_p95_s) for b in group]),
            _medians([play(truth, block, seed, tiers) for seed, block in enumerate(group)]),
        )
        for (phase, setting), group in groups.items()
    )


def check(engine: Engine, block: RealBlock) -> None:
    """Raises RealRunError."""
    unknown = sorted(set(block.mix) - set(engine.survival))
    if unknown:
        raise RealRunError(
            f"phase {block.phase}: the profile has no survival of segment {unknown[0]!r}: it has "
            f"{', '.join(engine.survival)}"
        )
    if block.tokens is not None and block.tokens > engine.max_tokens:
        raise RealRunError(
            f"phase {block.phase}: {block.setting} is deeper than the profile's {engine.max_tokens}"
        )


def smooth(engine: Engine) -> Engine:
    """The engine as fitted: a profile that says nothing of roughness gets none.

    Measured means hold padding and stalls already; only the noise of single steps is left.
    """
    if "roughness" in engine.document:
        return engine
    truth = replace(engine.truth, padding=1, captured_tokens=10**9, cliff=0.0, stall_chance=0.0)
    return replace(engine, truth=truth)


def play(engine: Engine, block: RealBlock, seed: int, tiers: Sequence[int] | None) -> Figures:
    """One block in the simulator. Raises RealRunError when no request ends in it."""
    policy = policy_of(engine, block, tiers)
    before_s = WARMUP_S if block.tokens is not None else LEARNED_S
    curves = engine.survival
    world = World(
        trace=mixed_loop(block.clients, block.mix, block.input_tokens, block.output_tokens, seed),
        truth=engine.truth,
        survival_at=lambda _: curves,
        tiers=tuple(range(engine.max_tokens + 1)),
        limits=engine.limits,
        spread=engine.spread,
        scrape_s=1.0 if block.tokens is not None else 2.0,
        horizon_s=before_s + block.seconds,
        seed=seed,
    )
    account = run(world, policy)
    first_s = account.timeline[0].now_s if account.timeline else 0.0
    # A real block begins when all are running; prompts that come all at once may take longer.
    before_s = max(before_s, first_s)
    inside = [one for one in account.timeline if one.now_s > before_s]
    begin_s = max((one.now_s for one in account.timeline if one.now_s <= before_s), default=0.0)
    latencies_s = [
        one.end_s - one.arrived_s
        for one in account.finished
        # The first requests of a block come all at once.
        if one.arrived_s > 0 and one.end_s > before_s - WARMUP_S
    ]
    if not (inside and latencies_s):
        raise RealRunError(
            f"phase {block.phase}, {block.setting}: no request ends within {block.seconds:g} s in "
            "the simulator: the profile is of a slower engine, or the block too short"
        )
    p50_s, p95_s = np.quantile(latencies_s, (0.5, 0.95)).tolist()
    tokens = sum(one.generated_tokens for one in inside)
    return Figures(tokens / (inside[-1].now_s - begin_s), p50_s, p95_s)


def policy_of(engine: Engine, block: RealBlock, tiers: Sequence[int] | None) -> Policy:
    if block.tokens is not None:
        return Fixed(block.setting, block.tokens)
    settings = Settings(
        max_tokens=engine.max_tokens,
        tiers=None if tiers is None else tuple(tiers),
        stabilization_s=STABILIZATION_S,
        mixture_of_experts=engine.mixture_of_experts,
    )
    return Tuned(block.setting, settings)


def _medians(figures: Sequence[Figures]) -> Figures:
    return Figures(
        median(one.tokens_per_s for one in figures),
        median(one.latency_p50_s for one in figures),
        median(one.latency_p95_s for one in figures),
    )
