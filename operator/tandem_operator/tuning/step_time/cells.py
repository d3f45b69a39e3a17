"""Measured steps, gathered by kind: batch bucket, K, with or without prefill.

A window gives observations (mean time of some steps and what those steps carried); cells are their
running sums. From the plugin an observation is a true cell. From stock counters it is the whole
window: K is then a mean, and prefill is modelled as a share of steps that carry a chunk each.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from tandem_operator.tuning.settings import DEEPEST_TOKENS
from tandem_operator.tuning.window import StepCell, Window
from tandem_operator.tuning.window_validation import (
    LONGEST_STEP_S,
    MOST_REQUESTS,
    SHORTEST_STEP_S,
    load_of,
)
from tandem_runtime.contract.metrics import BATCH_EDGES

CHUNK_TOKENS = 2048.0
PREFILL_TOKENS = 128.0
MEMORY_S = 700.0
MOST_STEPS = 3000.0
MOST_CELLS = 100
FEWEST_STEPS = 0.2
BLENDS = 6
MOST_CONTEXT = 1e8
KNEE_TOKENS = 200.0
STOCK_FORM_ERROR = 0.03
PREFILL_ERROR = 0.15
CELL_FORM_ERROR = 0.02


class Steps(NamedTuple):
    """Means over some steps of one kind; ``steps`` says of how many.

    ``blend`` tells how far (in sixths) the mean K of a mixture is from ``tokens``, so that windows
    with different shares of exploration stay apart. ``depth`` is the mean K, ``drafting`` the share
    of requests that drafted, ``prefill`` the prefill tokens of a step that carries any and
    ``prefill_share`` how many do; ``form_error`` is the relative error of taking means for one kind
    of step.
    """

    bucket: int
    tokens: int
    with_prefill: bool
    blend: int
    steps: float
    seconds: float
    batch: float
    depth: float
    drafting: float
    context: float
    verified: float
    prefill: float
    prefill_share: float
    form_error: float


def bucket_of(batch: float) -> int:
    """The batch bucket of cells."""
    return max(0, bisect_right(BATCH_EDGES, batch + 1e-9) - 1)


def observed(window: Window, context_per_request: float) -> tuple[Steps, ...]:
    """The steps of one believed window; ``context_per_request`` fills in what stock lacks."""
    if window.cells is None:
        return _from_stock(window, context_per_request)
    return tuple(_from_cell(cell) for cell in window.cells if _believable(cell))


def of_one_kind(
    *,
    tokens: int,
    steps: float,
    seconds: float,
    batch: float,
    context: float,
    prefill: float | None,
    form_error: float,
    verified: float | None = None,
) -> Steps:
    """Steps that all drafted ``tokens``; ``prefill`` is None where none carried any.

    ``verified`` is batch x (K + 1) where it is not told.
    """
    return Steps(
        bucket=bucket_of(batch),
        tokens=tokens,
        with_prefill=prefill is not None,
        blend=0,
        steps=steps,
        seconds=seconds,
        batch=batch,
        depth=float(tokens),
        drafting=1.0 if tokens else 0.0,
        context=context,
        verified=batch * (tokens + 1) if verified is None else verified,
        prefill=prefill or 0.0,
        prefill_share=0.0 if prefill is None else 1.0,
        form_error=form_error,
    )


def _from_cell(cell: StepCell) -> Steps:
    verified = cell.verified_sum
    if verified is None:
        verified = cell.batch_sum * (cell.tokens + 1)
    return of_one_kind(
        tokens=cell.tokens,
        steps=cell.steps,
        seconds=cell.seconds / cell.steps,
        batch=cell.batch_sum / cell.steps,
        context=cell.context_sum / cell.steps,
        prefill=cell.prefill_sum / cell.steps if cell.with_prefill else None,
        form_error=CELL_FORM_ERROR,
        verified=verified / cell.steps,
    )


def _mixture_error(prefill: float) -> float:
    """Relative error of a window's mean time that holds ``prefill`` tokens in the mean step.

    What prompts take must be told from it, and is known less well than what decoding takes.
    """
    part = prefill / KNEE_TOKENS
    return STOCK_FORM_ERROR + PREFILL_ERROR * part / (1.0 + part)


def _believable(cell: StepCell) -> bool:
    """Whether the cell's means are those of real steps: a lying one must not bend the fit."""
    if cell.steps < 1 or not 0 <= cell.tokens <= DEEPEST_TOKENS:
        return False
    verified = cell.batch_sum if cell.verified_sum is None else cell.verified_sum
    return (
        SHORTEST_STEP_S <= cell.seconds / cell.steps <= LONGEST_STEP_S
        and 1 <= cell.batch_sum / cell.steps <= MOST_REQUESTS
        and cell.context_sum / cell.steps <= MOST_CONTEXT
        and cell.prefill_sum / cell.steps <= MOST_CONTEXT
        and cell.batch_sum * 0.5 <= verified <= cell.batch_sum * (cell.tokens + 2)
    )


def gathered(
    cells: Sequence[Steps], fresh: Sequence[Steps], duration_s: float
) -> tuple[Steps, ...]:
    """The cells after fresh observations; the least known are dropped beyond `MOST_CELLS`."""
    share = math.exp(-max(0.0, duration_s) / MEMORY_S)
    by_kind = {cell[:4]: cell for cell in cells}
    for steps in fresh:
        old = by_kind.get(steps[:4])
        by_kind[steps[:4]] = steps if old is None else merged(old, steps, share)
    if fresh:
        touched = {steps[:4] for steps in fresh}
        by_kind = {
            kind: cell if kind in touched else Steps(*kind, round(cell.steps * share, 3), *cell[5:])
            for kind, cell in by_kind.items()
            if cell.steps >= FEWEST_STEPS
        }
    known_best = sorted(by_kind.values(), key=lambda cell: -cell.steps)
    return tuple(sorted(known_best[:MOST_CELLS]))


def merged(old: Steps, new: Steps, share: float) -> Steps:
    """One cell's mean over both, the old one faded to ``share``; at most `MOST_STEPS` count."""
    steps = old.steps * share + new.steps
    weight = new.steps / steps
    means = [float(f"{a + weight * (b - a):.6g}") for a, b in zip(old[5:], new[5:], strict=True)]
    return Steps(*old[:4], round(min(MOST_STEPS, steps), 3), *means)


def _from_stock(window: Window, context_per_request: float) -> tuple[Steps, ...]:
    load = load_of(window)
    if load is None or window.iterations < 1 or load.batch > MOST_REQUESTS:
        return ()
    depth = min(float(DEEPEST_TOKENS), window.draft_tokens / window.request_steps)
    carrying = max(window.first_tokens, window.prefill_tokens / CHUNK_TOKENS)
    share = min(1.0, carrying / window.iterations) if window.prefill_tokens > 0 else 0.0
    chunk = window.prefill_tokens / (window.iterations * share) if share > 0 else 0.0
    context = window.context_tokens
    return (
        Steps(
            bucket=bucket_of(load.batch),
            tokens=round(depth),
            with_prefill=chunk >= PREFILL_TOKENS and share > 0.02,
            blend=round(BLENDS * (depth - round(depth))),
            steps=window.iterations,
            seconds=load.step_s,
            batch=load.batch,
            depth=depth,
            drafting=min(1.0, window.drafts / window.request_steps),
            context=min(
                MOST_CONTEXT, load.batch * context_per_request if context is None else context
            ),
            verified=load.batch * (1.0 + depth),
            prefill=min(MOST_CONTEXT, chunk),
            prefill_share=share,
            form_error=_mixture_error(share * chunk),
        ),
    )
