"""Compares the simulator with a real engine, block by block of a real run.

Each block is played with the same clients, mix, lengths and K on the profile that was fitted to
that engine, as often and as long as it was measured; the medians over repeats are compared. Pure;
called by `against_command` and by whoever measured the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

import numpy as np

from tandem_operator.simulation.policies import Fixed, Policy, Tuned
from tandem_operator.simulation.profile import Engine
from tandem_operator.simulation.real_run import RealBlock, RealRunError
from tandem_operator.simulation.run import World, run
from tandem_operator.simulation.trace import mixed_loop
from tandem_operator.tuning import Settings

WARMUP_S = 2.0
LEARNED_S = 180.0  # the real tuner keeps what it learned; the simulated one learns before it counts
STABILIZATION_S = 30.0
TOKENS_WITHIN, LATENCY_WITHIN = 0.10, 0.15


@dataclass(frozen=True)
class Figures:
    """Tokens a second of all clients, and request latency in seconds."""

    tokens_per_s: float
    latency_p50_s: float
    latency_p95_s: float


@dataclass(frozen=True)
class Difference:
    """One phase at one setting; shares are simulated / measured - 1."""

    phase: str
    setting: str
    blocks: int
    measured: Figures
    simulated: Figures

    @property
    def tokens(self) -> float:
        return self.simulated.tokens_per_s / self.measured.tokens_per_s - 1.0

    @property
    def p50(self) -> float:
        return self.simulated.latency_p50_s / self.measured.latency_p50_s - 1.0

    @property
    def p95(self) -> float:
        return self.simulated.latency_p95_s / self.measured.latency_p95_s - 1.0

    @property
    def within(self) -> bool:
        return abs(self.tokens) <= TOKENS_WITHIN and (
            max(abs(self.p50), abs(self.p95)) <= LATENCY_WITHIN
        )


@dataclass(frozen=True)
class PhaseDifference:
    """Mean sizes over the settings of one phase, and whether they are within what is asked."""

    phase: str
    tokens: float
    p50: float
    p95: float

    @property
    def within(self) -> bool:
        return self.tokens <= TOKENS_WITHIN and max(self.p50, self.p95) <= LATENCY_WITHIN


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


def by_phase(differences: Sequence[Difference]) -> tuple[PhaseDifference, ...]:
    """The phases in the order of the run."""
    groups: dict[str, list[Difference]] = {}
    for one in differences:
        groups.setdefault(one.phase, []).append(one)
    return tuple(
        PhaseDifference(
            phase,
            fmean(abs(one.tokens) for one in group),
            fmean(abs(one.p50) for one in group),
            fmean(abs(one.p95) for one in group),
        )
        for phase, group in groups.items()
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
    inside = [one for one in account.timeline if one.now_s > before_s]
    begin_s = max(one.now_s for one in account.timeline if one.now_s <= before_s)
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


def document_of(differences: Sequence[Difference]) -> Mapping[str, object]:
    """For JSON; differences in percent."""
    return {
        "phases": [
            {
                "phase": one.phase,
                "mean_tokens_percent": _percent(one.tokens),
                "mean_p50_percent": _percent(one.p50),
                "mean_p95_percent": _percent(one.p95),
                "within": one.within,
            }
            for one in by_phase(differences)
        ],
        "settings": [
            {
                "phase": one.phase,
                "setting": one.setting,
                "blocks": one.blocks,
                "measured": vars(one.measured),
                "simulated": vars(one.simulated),
                "tokens_percent": _percent(one.tokens),
                "p50_percent": _percent(one.p50),
                "p95_percent": _percent(one.p95),
                "within": one.within,
            }
            for one in differences
        ],
    }


def _percent(share: float) -> float:
    return round(100.0 * share, 2)


def _medians(figures: Sequence[Figures]) -> Figures:
    return Figures(
        median(one.tokens_per_s for one in figures),
        median(one.latency_p50_s for one in figures),
        median(one.latency_p95_s for one in figures),
    )
