"""The profile document, and what a run found as JSON: latency by cell first, then the fit.

Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from tandem_operator.bench.fit import Fitted, repeat_percent, tuner_mean_percent
from tandem_operator.bench.measured import Measured


def profile_of(
    fitted: Fitted,
    measured: Sequence[Measured],
    *,
    name: str,
    source: str,
    pair: Mapping[str, str],
    max_running: int | None,
    mixture_of_experts: tuple[int, int] | None,
) -> dict[str, Any]:
    """The profile as `docs/profile.schema.json` wants it.

    Padding and the end of captured graphs are in the measured coefficients already, so that the
    simulator must not add its own.
    """
    samples = [cell.sample for cell in fitted.cells]
    document: dict[str, Any] = {
        "name": name,
        "source": source,
        "max_tokens": max(
            [sample.tokens for sample in samples] + [len(one) for one in fitted.survival.values()]
        ),
        "step_time": dict(fitted.step_time),
        "roughness": {"padding": 1, "captured_tokens": 1_000_000, "cliff": 0},
        "step_samples": [
            {
                "batch": round(max(1.0, sample.batch), 3),
                "tokens": sample.tokens,
                "seconds": float(f"{sample.seconds:.5g}"),
                "steps": round(max(1.0, sample.steps), 1),
                "context_tokens": round(sample.context_tokens, 1),
                "prefill_tokens": round(sample.prefill_tokens, 2),
            }
            for sample in samples
        ],
    }
    if fitted.survival:
        document["survival"] = {key: list(curve) for key, curve in fitted.survival.items()}
    if max_running is not None:
        document["max_running"] = max_running
    if pair:
        document["pair"] = dict(pair)
    if mixture_of_experts is not None:
        document["mixture_of_experts"] = list(mixture_of_experts)
    document["fit"] = {
        "cells": len(samples),
        "mean_error_percent": round(fitted.mean_percent, 2),
        "worst_error_percent": round(fitted.worst_percent, 2),
        "tuner_mean_error_percent": round(tuner_mean_percent(document, mixture_of_experts), 2),
    }
    if fitted.unseen_mean_percent is not None:
        document["fit"]["unseen_mean_error_percent"] = round(fitted.unseen_mean_percent, 2)
    spread = repeat_percent(measured)
    if spread is not None:
        document["fit"]["repeat_error_percent"] = round(spread, 2)
    return document


def source_of(url: str, day: date, blocks: int, planned: int, block_s: float) -> str:
    """Where the numbers come from, in one sentence."""
    cut = "" if blocks == planned else f" of {planned} planned (the run was cut short)"
    return f"tandem bench against {url} on {day}: {blocks} blocks of {block_s:g} s{cut}."


def cells_of(fitted: Fitted) -> list[dict[str, float]]:
    """Measured and fitted step time of each kind of step, in ms, and the error in percent."""
    return [
        {
            "batch": round(cell.sample.batch, 2),
            "tokens": cell.sample.tokens,
            "prefill_tokens": round(cell.sample.prefill_tokens, 1),
            "steps": round(cell.sample.steps),
            "measured_ms": round(1e3 * cell.sample.seconds, 3),
            "fitted_ms": round(1e3 * cell.fitted_s, 3),
            "error_percent": round(cell.percent, 2),
        }
        for cell in fitted.cells
    ]


def loads_of(measured: Sequence[Measured]) -> list[dict[str, Any]]:
    """Request latency and tokens/s by segment, concurrency and K, over all rounds."""
    groups: dict[tuple[str, int, int | None], list[Measured]] = {}
    for one in measured:
        key = (one.block.segment, one.block.concurrency, one.block.tokens)
        groups.setdefault(key, []).append(one)
    rows = []
    for key in sorted(groups, key=lambda key: (key[0], key[1], -1 if key[2] is None else key[2])):
        segment, concurrency, tokens = key
        latencies = [value for one in groups[key] for value in one.latencies_s]
        rows.append(
            {
                "segment": segment,
                "concurrency": concurrency,
                "tokens": tokens,
                "requests": len(latencies),
                "p50_s": round(float(np.quantile(latencies, 0.5)), 4) if latencies else None,
                "p95_s": round(float(np.quantile(latencies, 0.95)), 4) if latencies else None,
                "tokens_per_s": round(float(np.mean([o.tokens_per_s for o in groups[key]])), 1),
            }
        )
    return rows
