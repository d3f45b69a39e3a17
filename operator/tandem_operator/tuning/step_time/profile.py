"""Reads a start profile (``docs/profile.schema.json``): step times and survival known beforehand.

A profile holds measured steps, coefficients of a step-time form, or both. Measured steps are used
as they are; coefficients are evaluated on a grid, so that the tuner's own form is fitted to either.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tandem_operator.tuning.acceptance.counts import conditional
from tandem_operator.tuning.step_time.cells import Steps, of_one_kind
from tandem_runtime.contract.metrics import BATCH_EDGES

TRUSTED_STEPS = 120.0
PROFILE_ERROR = 0.03
_GRID = (*BATCH_EDGES[:-1], 192, 256)
_CHUNKS = (0.0, 512.0, 2048.0)
_CONTEXT = 800.0


def profile_survival(profile: Mapping[str, Any] | None) -> tuple[float, ...]:
    """Survival by position: the mean of the profile's segments; empty without any."""
    curves = list((profile or {}).get("survival", {}).values())
    if not curves:
        return ()
    depth = min(len(curve) for curve in curves)
    return tuple(sum(float(curve[i]) for curve in curves) / len(curves) for i in range(depth))


def profile_hazards(profile: Mapping[str, Any] | None) -> tuple[float, ...]:
    """P(draft i accepted | those before were), from the profile's survival."""
    return tuple(min(0.99, max(0.01, hazard)) for hazard in conditional(profile_survival(profile)))


def profile_steps(
    profile: Mapping[str, Any] | None, depths: Sequence[int], measured: Sequence[Steps]
) -> tuple[Steps, ...]:
    """The profile as cells. One that was measured since counts by what it lacks of steps."""
    if not profile:
        return ()
    known = {cell[:4]: cell.steps for cell in measured}
    cells = []
    for point in _points(profile, depths):
        left = TRUSTED_STEPS - known.get(point[:4], 0.0)
        if left > 1:
            cells.append(point._replace(steps=min(point.steps, left)))
    return tuple(cells)


def _points(profile: Mapping[str, Any], depths: Sequence[int]) -> list[Steps]:
    samples = profile.get("step_samples") or ()
    if samples:
        return [
            _steps(
                float(sample["batch"]),
                int(sample["tokens"]),
                float(sample.get("context_tokens", _CONTEXT * float(sample["batch"]))),
                float(sample.get("prefill_tokens", 0)),
                float(sample["seconds"]),
                float(sample.get("steps", TRUSTED_STEPS)),
            )
            for sample in samples
            if int(sample["tokens"]) in depths
        ]
    form = profile.get("step_time")
    if not form:
        return []
    return [
        _steps(b, k, _CONTEXT * b, p, step_time_s(form, b, k, _CONTEXT * b, p), TRUSTED_STEPS)
        for b in map(float, _GRID)
        for k in depths
        for p in _CHUNKS
        if p == 0.0 or k in (depths[0], depths[-1])
    ]


def step_time_s(
    form: Mapping[str, float], batch: float, tokens: int, context: float, prefill: float
) -> float:
    """The profile's step-time form in seconds, as the schema defines it.

    base + context C + token n + knee max(0, n + w p - n*) + prefill p + experts(n + w p),
    and for K > 0 draft_start + K (draft_pass + draft_request b), else sync.
    """

    def part(name: str) -> float:
        return float(form.get(name, 0.0))

    verified = batch * (tokens + 1)
    weighted = verified + float(form.get("prefill_weight", 1.0)) * prefill
    seconds = part("base_s") + part("context_token_s") * context + part("token_s") * verified
    seconds += part("knee_token_s") * max(0.0, weighted - part("knee_tokens"))
    seconds += part("prefill_token_s") * prefill
    total, active = part("experts"), part("active_experts")
    if total > 0:
        touched = total * (1.0 - (1.0 - active / total) ** weighted)
        seconds += part("expert_s") * touched
    if tokens:
        drafted = part("draft_pass_s") + part("draft_request_s") * batch
        return seconds + part("draft_start_s") + tokens * drafted
    return seconds + part("sync_s")


def profile_context(profile: Mapping[str, Any] | None) -> float:
    """Context tokens of a request in the profile's own steps; the usual where it has none."""
    samples = [
        sample
        for sample in (profile or {}).get("step_samples") or ()
        if "context_tokens" in sample and not sample.get("prefill_tokens")
    ]
    requests = sum(float(sample["batch"]) for sample in samples)
    if requests <= 0:
        return _CONTEXT
    return sum(float(sample["context_tokens"]) for sample in samples) / requests


def sync_s(profile: Mapping[str, Any] | None) -> float | None:
    """What keeping an unused draft in step costs a step, or None when the profile does not say."""
    form = (profile or {}).get("step_time") or {}
    value = form.get("sync_s")
    return float(value) if value is not None and math.isfinite(float(value)) else None


def _steps(
    batch: float, tokens: int, context: float, prefill: float, seconds: float, steps: float
) -> Steps:
    return of_one_kind(
        tokens=tokens,
        steps=min(steps, TRUSTED_STEPS),
        seconds=seconds,
        batch=batch,
        context=context,
        prefill=prefill if prefill > 0 else None,
        form_error=PROFILE_ERROR,
    )
