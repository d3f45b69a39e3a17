"""What the model expects at the present load, for status, metrics and the audit.

A speedup is said only where K=0 was measured in the bucket of the present batch: against K=0 with
the draft loaded ("Idle"), or against no draft at all ("NotLoaded") once its cost is known.
"""

from __future__ import annotations

import math

from tandem_operator.tuning.decision import Prediction
from tandem_operator.tuning.profile import profile_hazards, sync_s
from tandem_operator.tuning.replicas import common_level
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.step_cells import bucket_of
from tandem_operator.tuning.step_model import step_seconds
from tandem_operator.tuning.survival import hazards_of, survival_of
from tandem_operator.tuning.table import Table, row_of

MEASURED_STEPS = 10.0


def survival_now(state: State, settings: Settings) -> tuple[float, ...]:
    """Survival by position as it is now believed."""
    hazards = hazards_of(state.survival, profile_hazards(settings.profile), settings.depths[-1])
    return survival_of(hazards)


def predicted_here(state: State, settings: Settings) -> float | None:
    """Seconds per output token at the present batch under the table in force."""
    if state.batch is None:
        return None
    tokens = min(state.tokens_in_force(state.batch), settings.depths[-1])
    gain = 1.0 + sum(survival_now(state, settings)[:tokens])
    return _step_s(state, settings, tokens) / gain


def prediction_of(state: State, settings: Settings, table: Table) -> Prediction:
    """The prediction for ``table``, guard rails included, at the present batch."""
    rate = state.rail.recent_rate
    if state.batch is None or not state.steps.theta:
        tokens = None if state.batch is None else table[row_of(state.batch)]
        return Prediction(batch=state.batch, tokens=tokens, acceptance_rate=_rate(state, rate))
    tokens = table[row_of(state.batch)]
    survival = survival_now(state, settings)
    gain = 1.0 + sum(survival[:tokens])
    seconds = _step_s(state, settings, tokens)
    speedup, baseline = _speedup(state, settings, seconds / gain)
    predicted_s = _with_prefill(state, settings, table, seconds, gain)
    return Prediction(
        batch=state.batch,
        tokens=tokens,
        tokens_per_step=gain,
        step_seconds=seconds,
        time_per_output_token_s=predicted_s,
        realised_time_per_output_token_s=seconds / gain * math.exp(state.service.slower),
        acceptance_rate=_rate(state, rate),
        survival=survival,
        speedup=speedup,
        speedup_baseline=baseline,
    )


def tax_share(state: State, settings: Settings) -> float | None:
    """What share of a step at K=0 the loaded but unused draft costs, or None when not known."""
    tax_s = state.steps.tax_s if state.steps.tax_s is not None else sync_s(settings.profile)
    if tax_s is None or state.batch is None or not state.steps.theta:
        return None
    return min(1.0, tax_s / _step_s(state, settings, 0))


def _speedup(
    state: State, settings: Settings, seconds_per_token: float
) -> tuple[float | None, str | None]:
    assert state.batch is not None
    bucket = bucket_of(state.batch)
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
    idle_s = _step_s(state, settings, 0)
    tax_s = state.steps.tax_s if state.steps.tax_s is not None else sync_s(settings.profile)
    if tax_s is None:
        return idle_s / seconds_per_token, "Idle"
    return max(idle_s - tax_s, 1e-6) / seconds_per_token, "NotLoaded"


def _with_prefill(
    state: State, settings: Settings, table: Table, seconds: float, gain: float
) -> float:
    """Seconds per output token when as many steps carry prefill as of late.

    ``seconds`` and ``gain`` are the time and the tokens of a step without.
    """
    share = state.steps.prefill_share
    if share <= 0:
        return seconds / gain
    assert state.batch is not None
    row = row_of(state.batch)
    drafts = state.prefill_table if any(table) and state.prefill_table else table
    tokens = min(drafts[row], settings.depths[-1])
    busy_gain = 1.0 + sum(survival_now(state, settings)[:tokens])
    busy_s = _step_s(state, settings, tokens, state.steps.chunk_tokens)
    return ((1.0 - share) * seconds + share * busy_s) / ((1.0 - share) * gain + share * busy_gain)


def _step_s(state: State, settings: Settings, tokens: int, prefill_tokens: float = 0.0) -> float:
    assert state.batch is not None
    table = step_seconds(
        state.steps,
        (row_of(state.batch),),
        (tokens,),
        prefill_tokens,
        settings.mixture_of_experts,
    )
    return float(table[0, 0]) * math.exp(common_level(state.steps.replicas))


def _rate(state: State, watched: float | None) -> float | None:
    """The rail's rate, or that of the newest windows where no rail watches."""
    if watched is not None:
        return watched
    accepted = ended = 0.0
    for window in state.survival.newest:
        accepted += sum(window.accepted)
        ended += sum(max(0.0, t - a) for a, t in zip(window.accepted, window.trials, strict=True))
    return accepted / (accepted + ended) if accepted + ended > 0 else None
