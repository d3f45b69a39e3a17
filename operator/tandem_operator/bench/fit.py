"""Fits the profile's step-time form and survival to measured blocks.

Pure. The form is the schema's (`docs/profile.schema.json`), which the simulator runs and the tuner
starts from: base + context C + token n + knee max(0, n + w p - n*) + prefill p + experts, and for
K > 0 draft_start + K (draft_pass + draft_request b), else sync. Coefficients are never negative
and minimise sum w (x theta / T - 1)^2 with the solver of the tuner's own fit; the knee n* and the
weight w of prefill are the best of a grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tandem_operator.bench.measured import Measured, Sample
from tandem_operator.tuning.acceptance.counts import Drafts
from tandem_operator.tuning.arrays import Floats
from tandem_operator.tuning.step_time.cells import CELL_FORM_ERROR, bucket_of
from tandem_operator.tuning.step_time.profile import profile_steps, step_time_s
from tandem_operator.tuning.step_time.regression import (
    PREFILL_WEIGHTS,
    STEP_NOISE,
    matrix,
    non_negative,
    predicted_s,
    unit_s,
)
from tandem_operator.tuning.step_time.regression import fit as tuner_fit

WIDTHS = {
    "base_s": 10.0,
    "context_token_s": 1e-3,
    "token_s": 1.0,
    "draft_start_s": 3.0,
    "draft_pass_s": 3.0,
    "draft_request_s": 1.0,
    "sync_s": 3.0,
    "prefill_token_s": 0.1,
    "knee_token_s": 1.0,
    "expert_s": 3.0,
}
"""Deviation of each coefficient before anything is measured, in fastest steps: next to nothing is
assumed, yet coefficients that the samples do not tell apart stay small."""
KNEE_FROM_TOKENS = 2.0
ABOVE_KNEE = 3
"""Sizes of step that a knee needs above it: it must not follow one odd cell."""
_BETTER_BY = 2.0
FEWEST_KINDS = 3
FOLDS = 5
FEWEST_FOR_MEDIAN = 3


class FitError(ValueError):
    """Too little was measured; the message says what is there and what is needed."""


@dataclass(frozen=True)
class CellError:
    """Measured and fitted step time of one kind of step."""

    sample: Sample
    fitted_s: float

    @property
    def percent(self) -> float:
        """How far the fit is above (or, negative, below) what was measured."""
        return 100.0 * (self.fitted_s / self.sample.seconds - 1.0)


@dataclass(frozen=True)
class Fitted:
    """Coefficients by their name in the schema, survival by segment, the error of each cell."""

    step_time: Mapping[str, float]
    survival: Mapping[str, tuple[float, ...]]
    cells: tuple[CellError, ...]
    unseen: tuple[CellError, ...]
    """Each cell against the fit through four fifths of the others; empty where they are few."""

    @property
    def mean_percent(self) -> float:
        """Mean size of the error, each cell counting alike."""
        return _mean_percent(self.cells)

    @property
    def unseen_mean_percent(self) -> float | None:
        """The same of cells that the fit had not seen; None where they are few."""
        return _mean_percent(self.unseen) if self.unseen else None

    @property
    def worst_percent(self) -> float:
        return max(abs(cell.percent) for cell in self.cells)


def fitted(
    measured: Sequence[Measured], mixture_of_experts: tuple[int, int] | None = None
) -> Fitted:
    """The fit through all finished blocks. Raises FitError when they do not determine one."""
    samples = pooled(measured)
    if len(samples) < FEWEST_KINDS:
        raise FitError(
            f"{len(samples)} kinds of step were measured, {FEWEST_KINDS} are needed: "
            "give more concurrencies or K, or more time"
        )
    form = step_time(samples, mixture_of_experts)
    cells = tuple(CellError(sample, _seconds(form, sample)) for sample in samples)
    return Fitted(form, survival(measured), cells, _unseen(samples, mixture_of_experts))


def pooled(measured: Sequence[Measured]) -> tuple[Sample, ...]:
    """One sample a kind of step (batch bucket, K, with prefill or not), over all blocks.

    Means over the blocks' steps; seconds are their median once there are three blocks, so that
    one beside a busy neighbour does not stand for its kind.
    """
    return tuple(_pooled(repeats) for repeats in _kinds(measured))


def repeat_percent(measured: Sequence[Measured]) -> float | None:
    """How far blocks of one kind are from their pooled time, mean size in percent.

    No fit can be better than this. None where no kind was measured twice.
    """
    repeated = [repeats for repeats in _kinds(measured) if len(repeats) > 1]
    if not repeated:
        return None
    apart = [
        abs(sample.seconds / _pooled(repeats).seconds - 1.0)
        for repeats in repeated
        for sample in repeats
    ]
    return 100.0 * float(np.mean(apart))


def survival(measured: Sequence[Measured]) -> dict[str, tuple[float, ...]]:
    """P(the first i drafts are accepted) by segment, from all drafts of its blocks."""
    depths = {}
    for segment in sorted({one.block.segment for one in measured}):
        own = [one for one in measured if one.block.segment == segment]
        curve = Drafts(
            _summed([one.accepted for one in own]), _summed([one.reached for one in own])
        ).survival
        if curve:
            depths[segment] = tuple(round(value, 4) for value in curve)
    return depths


def step_time(
    samples: Sequence[Sample], mixture_of_experts: tuple[int, int] | None = None
) -> dict[str, float]:
    """The schema's coefficients that fit best; those that are 0 are left out, but for the base."""
    fastest_s = min(sample.seconds for sample in samples)
    seconds = np.array([sample.seconds for sample in samples])
    steps = np.array([sample.steps for sample in samples])
    variance = CELL_FORM_ERROR**2 + STEP_NOISE**2 / np.maximum(steps, 1.0)
    verified = sorted({sample.batch * (sample.tokens + 1) for sample in samples})
    knees = [None, *(n for n in verified[:-ABOVE_KNEE] if n >= KNEE_FROM_TOKENS)]
    mixed = any(sample.prefill_tokens > 0 for sample in samples)
    best: dict[str, float] = {}
    least = np.inf
    for weight in PREFILL_WEIGHTS if mixed else PREFILL_WEIGHTS[:1]:
        for knee in knees:
            columns = _columns(samples, knee, weight, mixture_of_experts)
            rows = np.stack(list(columns.values()), axis=1) / seconds[:, None]
            widths = fastest_s * np.array([WIDTHS[name] for name in columns])
            weighted = rows / variance[:, None]
            gram = np.diag(1.0 / widths**2) + weighted.T @ rows
            theta = non_negative(gram, weighted.sum(axis=0), widths)
            misfit = float(np.sum((rows @ theta - 1.0) ** 2 / variance))
            misfit += float(np.sum((theta / widths) ** 2))
            # A knee or another weight must earn its place.
            if misfit >= least - (_BETTER_BY if best else 0.0):
                continue
            least = misfit
            best = dict(zip(columns, map(float, theta), strict=True))
            if knee is not None and best["knee_token_s"] > 0:
                best["knee_tokens"] = knee
            if weight != 1.0:
                best["prefill_weight"] = weight
    if best.get("base_s", 0.0) <= 0:
        best["base_s"] = fastest_s * 1e-3
    if mixture_of_experts is not None:
        best["experts"], best["active_experts"] = mixture_of_experts
    return {
        name: value if name in ("experts", "active_experts") else float(f"{value:.4g}")
        for name, value in best.items()
        if value > 0
    }


def tuner_mean_percent(
    document: Mapping[str, Any], mixture_of_experts: tuple[int, int] | None
) -> float:
    """Mean error of the tuner's own step-time form, fitted to the profile's samples, in percent."""
    depths = sorted({int(sample["tokens"]) for sample in document["step_samples"]})
    cells = profile_steps(document, depths, ())
    fastest_s = unit_s(cells)
    if fastest_s is None:
        raise FitError("the profile has no step samples")
    known = tuner_fit(cells, fastest_s, mixture_of_experts)
    expected = predicted_s(known, matrix(cells, mixture_of_experts, known.prefill_weight))
    measured = np.array([cell.seconds for cell in cells])
    return float(100.0 * np.mean(np.abs(expected / measured - 1.0)))


def _unseen(
    samples: Sequence[Sample], mixture_of_experts: tuple[int, int] | None
) -> tuple[CellError, ...]:
    if len(samples) < FOLDS * FEWEST_KINDS:
        return ()
    errors = []
    for fold in range(FOLDS):
        seen = [sample for place, sample in enumerate(samples) if place % FOLDS != fold]
        form = step_time(seen, mixture_of_experts)
        errors += [CellError(sample, _seconds(form, sample)) for sample in samples[fold::FOLDS]]
    return tuple(errors)


def _mean_percent(cells: Sequence[CellError]) -> float:
    return float(np.mean([abs(cell.percent) for cell in cells]))


def _columns(
    samples: Sequence[Sample],
    knee: float | None,
    weight: float,
    mixture_of_experts: tuple[int, int] | None,
) -> dict[str, Floats]:
    batch = np.array([sample.batch for sample in samples])
    tokens = np.array([float(sample.tokens) for sample in samples])
    prefill = np.array([sample.prefill_tokens for sample in samples])
    verified = batch * (tokens + 1.0)
    columns = {
        "base_s": np.ones_like(batch),
        "context_token_s": np.array([sample.context_tokens for sample in samples]),
        "token_s": verified,
        "draft_start_s": (tokens > 0).astype(np.float64),
        "draft_pass_s": tokens,
        "draft_request_s": tokens * batch,
        "sync_s": (tokens == 0).astype(np.float64),
        "prefill_token_s": prefill,
    }
    if knee is not None:
        columns["knee_token_s"] = np.maximum(0.0, verified + weight * prefill - knee)
    if mixture_of_experts is not None:
        total, active = mixture_of_experts
        left = (1.0 - active / total) ** (verified + weight * prefill)
        columns["expert_s"] = total * (1.0 - left)
    return columns


def _seconds(form: Mapping[str, float], sample: Sample) -> float:
    return step_time_s(
        form, sample.batch, sample.tokens, sample.context_tokens, sample.prefill_tokens
    )


def _kinds(measured: Sequence[Measured]) -> list[list[Sample]]:
    kinds: dict[tuple[int, int, bool], list[Sample]] = {}
    for block in measured:
        for sample in block.samples:
            key = (bucket_of(sample.batch), sample.tokens, sample.prefill_tokens > 0)
            kinds.setdefault(key, []).append(sample)
    return [repeats for _, repeats in sorted(kinds.items())]


def _pooled(samples: Sequence[Sample]) -> Sample:
    steps = np.array([sample.steps for sample in samples])

    def mean(values: Sequence[float]) -> float:
        return float(np.average(values, weights=steps))

    seconds = [sample.seconds for sample in samples]
    return Sample(
        batch=mean([sample.batch for sample in samples]),
        tokens=samples[0].tokens,
        seconds=float(np.median(seconds)) if len(samples) >= FEWEST_FOR_MEDIAN else mean(seconds),
        steps=float(steps.sum()),
        context_tokens=mean([sample.context_tokens for sample in samples]),
        prefill_tokens=mean([sample.prefill_tokens for sample in samples]),
    )


def _summed(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    deepest = max(map(len, rows), default=0)
    return tuple(sum(row[place] for row in rows if place < len(row)) for place in range(deepest))
