"""The run as the simulator reads it: blocks to compare with, and a profile fitted to them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from hack.tuning import phases
from hack.tuning.spread import spread_of
from hack.vllm.server import ServerOptions
from tandem_operator.bench.fit import fitted
from tandem_operator.bench.measured import Measured
from tandem_operator.bench.report import profile_of

Lengths = Mapping[str, Sequence[int]]
"""Prompt tokens of the prompts that clients of a phase send, by phase."""


def document_of(
    measured: Sequence[Measured], input_tokens: Lengths, new_tokens: int, block_s: float
) -> list[dict[str, Any]]:
    """A real run as `tandem_operator.simulation.comparison.real_run` reads it."""
    by_tokens = {tokens: name for name, tokens in phases.SETTINGS.items()}
    by_name = {phase.name: phase for phase in phases.PHASES}
    return [
        {
            "phase": one.block.segment,
            "setting": by_tokens[one.block.tokens],
            "clients": one.block.concurrency,
            "mix": dict(by_name[one.block.segment].mix),
            "input_tokens": list(input_tokens[one.block.segment]),
            "output_tokens": new_tokens,
            "seconds": block_s,
            "tokens_per_s": round(one.tokens_per_s, 2),
            "latency_p50_s": round(float(np.quantile(one.latencies_s, 0.5)), 4),
            "latency_p95_s": round(float(np.quantile(one.latencies_s, 0.95)), 4),
        }
        for one in measured
        if one.latencies_s
    ]


def profile_of_run(
    measured: Sequence[Measured], new_tokens: int, day: date, block_s: float
) -> dict[str, Any]:
    """A profile of the engine by every block of a fixed K. Raises FitError where they are too few.

    Survival is of single kinds of prompt: phases of several tell of step times alone.
    """
    kinds = {p.name: next(iter(p.mix)) for p in phases.PHASES if len(p.mix) == 1}
    fixed = [
        replace(
            one,
            block=replace(one.block, segment=kinds.get(one.block.segment, "")),
            accepted=one.accepted if one.block.segment in kinds else (),
            reached=one.reached if one.block.segment in kinds else (),
        )
        for one in measured
        if one.block.tokens is not None
    ]
    profile = fitted(fixed)
    document = profile_of(
        profile,
        fixed,
        name="Tiny pair, target widened to 60 M parameters, vLLM 0.32 on two CPU cores",
        source=f"make bench-tuning on {day}: {len(fixed)} blocks of {block_s:g} s at "
        f"K = {', '.join(str(tokens) for tokens in sorted((0, *phases.FIXED)))}.",
        pair={},
        max_running=ServerOptions.max_requests,
        mixture_of_experts=None,
    )
    mixes = {phase.name: phase.mix for phase in phases.PHASES}
    spread = spread_of(measured, mixes, profile.survival, new_tokens)
    if spread:
        document["roughness"]["spread"] = spread
    return document
