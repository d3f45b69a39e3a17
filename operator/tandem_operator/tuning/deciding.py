"""The policy Goodput: from what was learned to the tables in force.

Step times are refitted every 10 s and at once when acceptance changed; a table changes only when
the rows in use gain enough (see `pacing`).
"""

from __future__ import annotations

from dataclasses import replace

from tandem_operator.tuning.goodput import (
    LEAST_GAIN,
    Scores,
    gain_of,
    proposed_prefill_table,
    proposed_table,
    scored,
)
from tandem_operator.tuning.pacing import needed_gain, refilled, spent, stabilized
from tandem_operator.tuning.profile import profile_hazards
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.step_model import fitted
from tandem_operator.tuning.survival import hazards_of, survival_of
from tandem_operator.tuning.table import ROWS

REFIT_S = 9.5
HURRIED_S = 12.0


def survival_now(state: State, settings: Settings) -> tuple[float, ...]:
    """Survival by position as it is now believed."""
    hazards = hazards_of(state.survival, profile_hazards(settings.profile), settings.depths[-1])
    return survival_of(hazards)


def scores_of(state: State, settings: Settings) -> Scores:
    return scored(
        state.steps, survival_now(state, settings), settings.depths, settings.mixture_of_experts
    )


def started(state: State, settings: Settings) -> State:
    """The tables before anything is measured: the profile's best, or those of cautious priors."""
    steps = fitted(
        state.steps, settings.mixture_of_experts, settings.profile, settings.depths, None
    )
    state = replace(state, steps=steps)
    scores = scores_of(state, settings)
    allowed = (settings.active_depths,) * ROWS
    return replace(
        state,
        table=proposed_table(scores, allowed, (-1,) * ROWS, 0.0),
        prefill_table=proposed_prefill_table(scores, allowed, (-1,) * ROWS, 0.0),
    )


def decided(state: State, settings: Settings, duration_s: float) -> State:
    """The state with the tables that now hold."""
    state = replace(state, pacing=refilled(state.pacing, duration_s))
    now_s = state.now_s
    if now_s is None or not _due(state, now_s):
        return state
    steps = fitted(
        state.steps, settings.mixture_of_experts, settings.profile, settings.depths, now_s
    )
    state = replace(state, steps=steps)
    scores = scores_of(state, settings)
    allowed = (settings.active_depths,) * ROWS
    table = proposed_table(scores, allowed, state.table, LEAST_GAIN)
    before = state.prefill_table or state.table
    prefill = proposed_prefill_table(scores, allowed, before, LEAST_GAIN)
    pacing = state.pacing
    table, since = stabilized(
        state.table, table, pacing.raised_since, now_s, settings.stabilization_s
    )
    prefill, prefill_since = stabilized(
        before, prefill, pacing.prefill_raised_since, now_s, settings.stabilization_s
    )
    pacing = replace(pacing, raised_since=since, prefill_raised_since=prefill_since)
    state = replace(state, pacing=pacing)
    needed = needed_gain(pacing)
    if needed is None or (table, prefill) == (state.table, state.prefill_table):
        return state
    if gain_of(scores, state.table, table, state.use) < needed:
        return state
    return replace(state, table=table, prefill_table=prefill, pacing=spent(pacing), table_s=now_s)


def _due(state: State, now_s: float) -> bool:
    fitted_s = state.steps.fitted_s
    if fitted_s is None or now_s < fitted_s or now_s - fitted_s >= REFIT_S:
        return True
    changed_s = state.survival.changed_s
    return changed_s is not None and now_s - changed_s <= HURRIED_S
