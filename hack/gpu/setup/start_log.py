"""What vLLM's log says of a start and of CUDA graphs. Pure.

vLLM shows neither on /metrics. The lines are those of 0.32 and 0.33; what is not there is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

_NUMBER = r"([\d.,]+)"
FIGURES = {
    "capture_s": rf"Graph capturing finished in {_NUMBER} secs",
    "graphs_gib": rf"Graph capturing finished in .* secs, took {_NUMBER} GiB",
    "models_gib": rf"Model loading took {_NUMBER} GiB",
    "cache_gib": rf"Available KV cache memory: {_NUMBER} GiB",
    "cache_tokens": rf"KV cache size: {_NUMBER} tokens",
    "engine_start_s": rf"init engine \(profile, create kv cache, warmup model\) took {_NUMBER} s",
}
"""What one start cost, by name: seconds, GiB and tokens."""
_ROW = re.compile(
    r"\|\s*(\d+)\s*\|\s*\d+\s*\|\s*-?\d+\s*\|\s*(NONE|PIECEWISE|FULL)\s*\|\s*(\d+)\s*\|"
)

FULL = "FULL"
Steps = Mapping[tuple[int, str], int]
"""Steps by tokens in them (padding excluded) and how they ran: NONE, PIECEWISE or FULL."""


def figures_of(log: str) -> dict[str, float]:
    """The figures of `FIGURES` that the log has; of several lines the last one counts."""
    figures = {}
    for name, pattern in FIGURES.items():
        values = re.findall(pattern, log)
        if values:
            figures[name] = float(values[-1].replace(",", ""))
    return figures


def steps_of(log: str) -> Counter[tuple[int, str]]:
    """All rows of the tables that `--cudagraph-metrics` writes."""
    counts: Counter[tuple[int, str]] = Counter()
    for tokens, mode, count in _ROW.findall(log):
        counts[int(tokens), mode] += int(count)
    return counts


def full_by_batch(steps: Steps, depth: int, batches: range) -> dict[int, float]:
    """Share of steps that ran as a FULL graph, by batch, while all requests had this K.

    A step of b decoding requests has b (K + 1) tokens. Batches that no step had are left out.
    """
    by_batch = {}
    for batch in batches:
        tokens = batch * (depth + 1)
        all_of_them = sum(count for (have, _), count in steps.items() if have == tokens)
        if all_of_them:
            by_batch[batch] = steps.get((tokens, FULL), 0) / all_of_them
    return by_batch


def full_share(steps: Steps) -> float | None:
    """Share of all steps that ran as a FULL graph; None when there was none."""
    every = sum(steps.values())
    full = sum(count for (_, mode), count in steps.items() if mode == FULL)
    return full / every if every else None
