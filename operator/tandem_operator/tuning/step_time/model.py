"""What is known of step times: cells, the fit through them, and what single cells say beyond it.

The fit's form is never quite the engine's: padding, graph sizes and kernels make steps that no
smooth form has. So each cell's residual (log of measured over fitted) corrects its own (batch
bucket, K), shrunk by n / (n + 40) steps; a row of the table that lies in two buckets takes both, by
their steps. What a replica is slower by than the others says nothing about K, and is divided out
before cells are gathered. Where all steps take longer, the engine is another one (`pace`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from pydantic import Field

from tandem_operator.tuning import arrays as np
from tandem_operator.tuning.arrays import Floats
from tandem_operator.tuning.step_time import context as context_price
from tandem_operator.tuning.step_time.cells import Steps, bucket_of, gathered
from tandem_operator.tuning.step_time.context import ContextPrice
from tandem_operator.tuning.step_time.drift import StepTimeDrift, at_new_pace, shifted, taken
from tandem_operator.tuning.step_time.profile import profile_steps
from tandem_operator.tuning.step_time.regression import (
    Coefficients,
    features,
    fit,
    kinds_of,
    predicted_s,
    prior,
    seconds_of,
    unit_s,
)
from tandem_operator.tuning.step_time.replicas import Replica
from tandem_operator.tuning.table import ROW_MIDDLES, ROW_STARTS, ROW_TOPS
from tandem_runtime.contract.metrics import BATCH_EDGES

SHRINK_STEPS = 40.0
LARGEST_RESIDUAL = 0.35
USUAL_CONTEXT = 800.0
USUAL_STEP_S = 0.02
_STALLED = 1.5
"""A window's steps count at most this many times slower, or faster, than their cell's mean."""
MATURE_STEPS = 30.0
DRIFTED_SHARE = 0.1
"""Of the evidence for a context token's price when the engine has changed its pace."""
SHARE_MEMORY_S = 30.0

BUCKETS = tuple(
    (bucket_of(start), bucket_of(top)) for start, top in zip(ROW_STARTS, ROW_TOPS, strict=True)
)
"""By row of the table, the batch buckets of its first and last batch."""

Residual = tuple[int, int, float, float]


@dataclass(frozen=True)
class StepModel:
    """Learned step times.

    ``residuals`` are (bucket, K, log ratio, steps). ``prefill_share`` is the share of steps that
    carried prefill of late, of ``chunk_tokens`` each. ``tax_s`` is what the loaded but unused draft
    adds to a step, ``stock`` says that engines show their own counters alone.
    """

    cells: tuple[Steps, ...] = ()
    theta: tuple[float, ...] = ()
    prefill_weight: float = 1.0
    residuals: tuple[Residual, ...] = ()
    fastest_s: float | None = None
    context_per_request: float = USUAL_CONTEXT
    chunk_tokens: float = 512.0
    prefill_share: float = 0.0
    replicas: tuple[Replica, ...] = ()
    fitted_s: float | None = None
    tax_s: float | None = None
    stock: bool = False
    drift: Annotated[StepTimeDrift, Field(alias="pace")] = field(default_factory=StepTimeDrift)
    context_price: ContextPrice = field(default_factory=ContextPrice)

    def coefficients(self, experts: tuple[int, int] | None) -> Coefficients:
        return Coefficients(self.theta, experts, self.prefill_weight)


def of_form(known: StepModel, experts: tuple[int, int] | None) -> StepModel:
    """The model, unfitted if it was fitted with or without experts and now is asked otherwise."""
    if not known.theta or len(known.theta) == len(prior(1.0, experts)[0]):
        return known
    return replace(known, theta=(), residuals=(), fitted_s=None)


def gathered_into(
    known: StepModel,
    fresh: Sequence[Steps],
    duration_s: float,
    experts: tuple[int, int] | None,
) -> StepModel:
    """The model's cells after one scrape (times already divided by each replica's factor)."""
    if not fresh:
        return replace(known, cells=gathered(known.cells, (), duration_s))
    fastest_s = unit_s(fresh)
    if fastest_s is not None and known.fastest_s is not None:
        fastest_s = min(fastest_s, known.fastest_s)
    cells = {cell[:4]: cell for cell in known.cells}
    fresh = [_unstalled(steps, cells.get(steps[:4])) for steps in fresh]
    quiet = [
        (steps, cell)
        for steps in fresh
        if not steps.with_prefill
        and (cell := cells.get(steps[:4])) is not None
        and cell.steps >= MATURE_STEPS
    ]
    chunks = [steps for steps in fresh if steps.with_prefill and steps.prefill > 0]
    chunk_tokens = known.chunk_tokens
    if chunks:
        mean = sum(s.prefill * s.steps for s in chunks) / sum(s.steps for s in chunks)
        chunk_tokens += 0.1 * (mean - chunk_tokens)
    carried = sum(s.steps * s.prefill_share for s in fresh) / sum(s.steps for s in fresh)
    newer = 1.0 - math.exp(-max(0.0, duration_s) / SHARE_MEMORY_S)
    return replace(
        known,
        cells=gathered(known.cells, fresh, duration_s),
        fastest_s=fastest_s,
        chunk_tokens=chunk_tokens,
        prefill_share=known.prefill_share + newer * (carried - known.prefill_share),
        context_price=context_price.learned(known.context_price, quiet, duration_s),
    )


def rescaled(known: StepModel) -> StepModel:
    """The model of an engine that changed its pace, to be fitted again; else the same."""
    shift = shifted(known.drift)
    if shift is None:
        return known
    fastest_s = known.fastest_s
    return replace(
        known,
        cells=at_new_pace(known.cells, shift),
        fastest_s=None if fastest_s is None else fastest_s * math.exp(shift),
        context_price=context_price.at_new_pace(known.context_price, shift, DRIFTED_SHARE),
        drift=taken(known.drift, shift),
        fitted_s=None,
    )


def fitted(
    known: StepModel,
    experts: tuple[int, int] | None,
    profile: Mapping[str, Any] | None,
    depths: Sequence[int],
    now_s: float | None,
    drafts_all: bool = False,
) -> StepModel:
    """The model with its coefficients and residuals fitted to cells and start profile."""
    cells, fastest_s = basis(known, profile, depths)
    coefficients = fit(cells, fastest_s, experts, known.context_price, drafts_all)
    return replace(
        known,
        theta=tuple(float(f"{value:.6g}") for value in coefficients.theta),
        prefill_weight=coefficients.prefill_weight,
        residuals=_residuals(coefficients, cells),
        fitted_s=now_s,
    )


def basis(
    known: StepModel, profile: Mapping[str, Any] | None, depths: Sequence[int]
) -> tuple[tuple[Steps, ...], float]:
    """What a fit rests on: cells with those of the profile, and the fastest step in seconds."""
    factor = math.exp(known.drift.since_profile)
    by_profile = profile_steps(profile, tuple(depths), known.cells)
    cells = known.cells + tuple(cell._replace(seconds=cell.seconds * factor) for cell in by_profile)
    fastest_s = known.fastest_s
    return cells, fastest_s if fastest_s is not None else unit_s(cells) or USUAL_STEP_S


def step_seconds(
    known: StepModel,
    rows: Sequence[int],
    depths: Sequence[int],
    prefill_tokens: float,
    experts: tuple[int, int] | None,
) -> Floats:
    """T in seconds for every pair of table row, at its middle batch, and depth (columns)."""
    batch = np.repeat([ROW_MIDDLES[row] for row in rows], len(depths))
    depth = np.tile(np.array(depths, dtype=np.float64), len(rows))
    kinds = kinds_of(batch, depth, known.context_per_request, prefill_tokens)
    described = features(kinds, experts, known.prefill_weight)
    seconds = predicted_s(known.coefficients(experts), described).reshape(len(rows), len(depths))
    sums = np.zeros((2, len(BATCH_EDGES), len(depths)))
    if known.residuals:
        bucket, tokens, residual, weight = np.array(known.residuals).T
        sample, column = np.nonzero(tokens[:, None] == np.array(depths))
        place = bucket[sample].astype(int), column
        sums[0][place], sums[1][place] = (weight * residual)[sample], weight[sample]
    first, last = np.array([BUCKETS[row] for row in rows]).T
    totals, weights = sums[:, first] + sums[:, last]
    factors = totals / np.maximum(weights, 1e-9)
    return np.asarray(np.maximum(seconds * np.exp(factors), 1e-7))


def _residuals(coefficients: Coefficients, cells: Sequence[Steps]) -> tuple[Residual, ...]:
    quiet = [cell for cell in cells if not cell.with_prefill and not cell.blend]
    if not quiet:
        return ()
    expected = seconds_of(coefficients, quiet)
    sums: dict[tuple[int, int], tuple[float, float]] = {}
    for cell, own_s in zip(quiet, expected, strict=True):
        steps, total = sums.get((cell.bucket, cell.tokens), (0.0, 0.0))
        ratio = math.log(cell.seconds / max(1e-9, float(own_s)))
        sums[cell.bucket, cell.tokens] = steps + cell.steps, total + cell.steps * ratio
    return tuple(
        (
            *key,
            round(max(-LARGEST_RESIDUAL, min(LARGEST_RESIDUAL, total / (steps + SHRINK_STEPS))), 5),
            round(steps, 1),
        )
        for key, (steps, total) in sorted(sums.items())
    )


def _unstalled(steps: Steps, known: Steps | None) -> Steps:
    """The steps without what a stall adds: near the cell's mean, once that is known."""
    if known is None or known.steps < MATURE_STEPS:
        return steps
    limit = _STALLED + 1.0 / math.sqrt(max(steps.steps, 1.0))
    bounded_s = min(max(steps.seconds, known.seconds / limit), known.seconds * limit)
    return steps._replace(seconds=bounded_s)
