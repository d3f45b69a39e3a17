"""Measured blocks with known rates."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hack.tuning.phases import PHASES, SETTINGS, blocks
from tandem_operator.bench.measured import Measured, Sample


def measured(
    rates: Mapping[tuple[str, str], float], rounds: int = 6, noise: float = 0.0, seed: int = 1
) -> list[Measured]:
    """Every block of a run; `rates` in tokens/s by (phase, setting), 100 where they say nothing.

    Each block is off by up to `noise` of its rate.
    """
    draw = random.Random(seed)
    by_tokens = {tokens: name for name, tokens in SETTINGS.items()}
    results = []
    for block in blocks(rounds, seed):
        rate = rates.get((block.segment, by_tokens[block.tokens]), 100.0)
        rate *= 1 + noise * (2 * draw.random() - 1)
        sample = Sample(block.concurrency, block.tokens or 0, 0.01, 100.0, 100.0, 0.0)
        results.append(Measured(block, (sample,), (), (), rate, (1.0, 2.0)))
    return results


def rates(**by_setting: float) -> dict[tuple[str, str], float]:
    """The same rates in every phase; names as in `K3`, `goodput`, `off`."""
    names = {
        name.replace("K", "K=") if name[0] == "K" else name: v for name, v in by_setting.items()
    }
    return {(phase.name, name): rate for phase in PHASES for name, rate in names.items()}
