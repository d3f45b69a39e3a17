"""What the model expects at the present load, for status, metrics and the audit.

A speedup is said only where K=0 was measured in the bucket of the present batch: against K=0 with
the draft loaded ("Idle"), or against no draft at all ("NotLoaded") once its cost is known.
"""

from __future__ import annotations

import math

from tandem_operator.tuning.acceptance.counts import survival_of
from tandem_operator.tuning.acceptance.survival import hazards_of
from tandem_operator.tuning.decision import Prediction, Schedule
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.step_time.cells import bucket_of
from tandem_operator.tuning.step_time.model import step_seconds
from tandem_operator.tuning.step_time.profile import profile_hazards, sync_s
from tandem_operator.tuning.table import row_of, tokens_in

MEASURED_STEPS = 10.0


def survival_now(state: State, settings: Settings) -> tuple[float, ...]:
    """Survival by position as it is now believed."""
    hazards = hazards_of(state.survival, profile_hazards(settings.profile), settings.depths[-1])
    return survival_of(hazards)


def prediction_of(
    state: State, settings: Settings, schedule: Schedule, prefill_schedule: Schedule | None
) -> Prediction:
    """The prediction for what is in force now, guardrails included, at the present batch."""
    batch = state.batch
    if batch is None or not state.steps.theta:
        tokens = None if batch is None else tokens_in(schedule, batch)
        return Prediction(batch=batch, tokens=tokens, acceptance_rate=_rate(state))
    tokens = min(tokens_in(schedule, batch), settings.depths[-1])
    survival = survival_now(state, settings)
    gain = 1.0 + sum(survival[:tokens])
    rows, experts = (row_of(batch),), settings.mixture_of_experts
    ((idle_s, seconds),) = step_seconds(state.steps, rows, (0, tokens), 0.0, experts).tolist()
    quiet_s = predicted_s = seconds / gain
    speedup, baseline = _speedup(state, settings, batch, idle_s, quiet_s)
    share = state.steps.prefill_share
    if share > 0:
        busy_tokens = min(tokens_in(prefill_schedule or schedule, batch), settings.depths[-1])
        busy_gain = 1.0 + sum(survival[:busy_tokens])
        chunk = state.steps.chunk_tokens
        ((busy_s,),) = step_seconds(state.steps, rows, (busy_tokens,), chunk, experts).tolist()
        seconds_spent = (1.0 - share) * seconds + share * busy_s
        predicted_s = seconds_spent / ((1.0 - share) * gain + share * busy_gain)
    return Prediction(
        batch=batch,
        tokens=tokens,
        tokens_per_step=gain,
        step_seconds=seconds,
        time_per_output_token_s=predicted_s,
        realised_time_per_output_token_s=quiet_s * math.exp(state.service.slower),
        acceptance_rate=_rate(state),
        survival=survival,
        speedup=speedup,
        speedup_baseline=baseline,
    )


def _speedup(
    state: State, settings: Settings, batch: float, idle_s: float, seconds_per_token: float
) -> tuple[float | None, str | None]:
    bucket = bucket_of(batch)
    known = any(
        cell.bucket == bucket
        and cell.tokens == 0
        and not cell.with_prefill
        and cell.drafting < 0.05
        and cell.steps >= MEASURED_STEPS
        for cell in state.steps.cells
    )
    if not known:
        return None, None
    tax_s = state.steps.tax_s if state.steps.tax_s is not None else sync_s(settings.profile)
    if tax_s is None:
        return idle_s / seconds_per_token, "Idle"
    return max(idle_s - tax_s, 1e-6) / seconds_per_token, "NotLoaded"


def _rate(state: State) -> float | None:
    """The rail's rate, or that of the newest windows where no rail watches."""
    if state.guardrail.recent_rate is not None:
        return state.guardrail.recent_rate
    accepted = ended = 0.0
    for window in state.survival.newest:
        accepted += sum(window.accepted)
        ended += sum(max(0.0, t - a) for a, t in zip(window.accepted, window.trials, strict=True))
    return accepted / (accepted + ended) if accepted + ended > 0 else None
