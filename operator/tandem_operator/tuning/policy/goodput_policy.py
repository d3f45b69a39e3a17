"""The policy Goodput: from what was learned to the tables in force.

Step times are refitted every 10 s and at once when acceptance changed; a table changes only when
the rows in use gain enough (see `pacing`).
"""

from __future__ import annotations

import math
from dataclasses import replace

from tandem_operator.tuning import reasons
from tandem_operator.tuning.exploration.schedule import chosen
from tandem_operator.tuning.exploration.value import worth_of_trying
from tandem_operator.tuning.policy.change_budget import (
    needed_gain,
    noted,
    refilled,
    spent,
    stabilized,
)
from tandem_operator.tuning.policy.goodput import (
    LEAST_GAIN,
    Scores,
    gain_of,
    proposed_prefill_table,
    proposed_table,
    scored,
)
from tandem_operator.tuning.policy.hysteresis import cleared
from tandem_operator.tuning.policy.objective import allowed_depths, allowed_with_prefill
from tandem_operator.tuning.policy.prediction import survival_now
from tandem_operator.tuning.policy.rollback import begun, failed, outdated, paused, reverted
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.step_time.drift import doubted
from tandem_operator.tuning.step_time.model import StepModel, fitted
from tandem_operator.tuning.step_time.profile import profile_context
from tandem_operator.tuning.step_time.replicas import common_level
from tandem_operator.tuning.table import ROWS, Table, row_of

REFIT_S = 9.5
HURRIED_S = 12.0
LONGEST_DOUBT_S = 20.0
"""Since the last look: windows full of prefill may never say whether the pace changed."""
SOON_S = 5.0
"""So long after a change for new prompts few windows say better than those that it rests on."""


def scores_of(state: State, settings: Settings) -> Scores:
    return scored(
        state.steps, survival_now(state, settings), settings.depths, settings.mixture_of_experts
    )


def _fitted(steps: StepModel, settings: Settings, now_s: float | None) -> StepModel:
    experts, depths = settings.mixture_of_experts, settings.depths
    return fitted(steps, experts, settings.profile, depths, now_s, settings.drafts_all)


def started(state: State, settings: Settings) -> State:
    """The tables before anything is measured: the profile's best, or those of cautious priors."""
    steps = replace(state.steps, context_per_request=profile_context(settings.profile))
    steps = _fitted(steps, settings, None)
    state = replace(state, steps=steps)
    scores = scores_of(state, settings)
    allowed = (settings.active_depths,) * ROWS
    return replace(
        state,
        table=proposed_table(scores, allowed, (-1,) * ROWS, 0.0),
        prefill_table=proposed_prefill_table(scores, allowed, (-1,) * ROWS, 0.0),
    )


def decided(state: State, settings: Settings, duration_s: float) -> State:
    """The state with the tables that now hold, and the verdict on the last change."""
    now_s = state.now_s
    if now_s is None:
        return state
    state = replace(state, pacing=refilled(state.pacing, duration_s, now_s))
    before = _tables(state)
    state = _decided(state, settings, now_s)
    return replace(state, pacing=noted(state.pacing, before, _tables(state), now_s))


def _decided(state: State, settings: Settings, now_s: float) -> State:
    if failed(state.trial) and not outdated(state.trial, state.upheavals):
        return _reverted(state, now_s)
    if not _due(state, now_s) or paused(state.trial, now_s, state.upheavals):
        return state
    if _in_doubt(state, now_s):
        return state
    soon = _soon(state, now_s)
    steps = _fitted(state.steps, settings, now_s)
    state = replace(state, steps=steps)
    scores = scores_of(state, settings)
    old = _tables(state)
    proposed = _proposed(state, scores, settings)
    new = stabilized(state.pacing, old, proposed, now_s, settings.stabilization_s)
    if new == old:
        return _tried(state, scores, settings, now_s, free=False)
    saved = gain_of(scores, state.table, new[0], state.use)
    needed = needed_gain(state.pacing, soon=soon)
    barred = new[0] != old[0] and _barred(state, scores, settings)
    if needed is None or (saved < needed and not barred):
        return _tried(state, scores, settings, now_s, free=False)
    state = _taken(state, scores, new, saved, settings, now_s)
    return _tried(state, scores, settings, now_s, free=True)


def _tried(state: State, scores: Scores, settings: Settings, now_s: float, *, free: bool) -> State:
    """The state with what is worth trying at the batch of the moment."""
    if state.batch is None or len(settings.depths) == 1:
        return state
    row = row_of(state.batch)
    base = state.table[row]
    worth = worth_of_trying(scores, row, base, state, settings)
    cost = scores.seconds_per_token[row]
    own_cost = float(cost[scores.column(base)])
    offers = {
        depth - base: (share, float(cost[place]) / own_cost - 1.0)
        for place, (depth, share) in enumerate(zip(scores.depths, worth, strict=True))
        if depth != base
    }
    if base == 0:
        # There the engine tries its shallowest depth, whatever the offset.
        offers = {1: offers[scores.depths[1]]}
    worths = {offset: share for offset, (share, _) in offers.items()}
    losses = {offset: loss for offset, (_, loss) in offers.items()}
    trying = chosen(
        state.trying, worths, losses, now_s, stock=state.steps.stock, idle=base == 0, free=free
    )
    return replace(state, trying=trying)


def _proposed(state: State, scores: Scores, settings: Settings) -> tuple[Table, Table]:
    depths = settings.active_depths
    rows = allowed_depths(scores, depths, settings.objective, state.service)
    with_prefill = allowed_with_prefill(rows, depths, settings.objective, state.service)
    _, before = _tables(state)
    return (
        cleared(proposed_table(scores, rows, state.table, LEAST_GAIN), state.batch, rows),
        proposed_prefill_table(scores, with_prefill, before, LEAST_GAIN),
    )


def _tables(state: State) -> tuple[Table, Table]:
    return state.table, state.prefill_table or state.table


def _barred(state: State, scores: Scores, settings: Settings) -> bool:
    """Whether the row in use holds a depth that the objective forbids."""
    if settings.objective is None or state.batch is None:
        return False
    rows = allowed_depths(scores, settings.active_depths, settings.objective, state.service)
    row = row_of(state.batch)
    return state.table[row] not in rows[row]


def _taken(
    state: State,
    scores: Scores,
    new: tuple[Table, Table],
    saved: float,
    settings: Settings,
    now_s: float,
) -> State:
    slower = state.service.slower + common_level(state.steps.replicas)
    cost = scores.seconds_per_token * math.exp(slower)

    def by_row(table: Table) -> tuple[float, ...]:
        return tuple(float(cost[row, scores.column(table[row])]) for row in range(ROWS))

    trial = begun(
        state.trial,
        (state.table, state.prefill_table),
        by_row(new[0]),
        by_row(state.table),
        survival_now(state, settings),
        now_s,
        state.upheavals,
    )
    message = f"saves {100 * saved:.1f} % of the time per token at the batches in use"
    if state.batch is not None:
        row = row_of(state.batch)
        message += f"; at {state.batch:.1f} requests K {state.table[row]} -> {new[0][row]}"
    return replace(
        state,
        table=new[0],
        prefill_table=new[1],
        pacing=spent(state.pacing),
        trial=trial,
        verdict=(reasons.TUNED, message),
    )


def _reverted(state: State, now_s: float) -> State:
    trial = state.trial
    assert trial.before is not None
    message = (
        f"slower than promised in {trial.slow_windows} windows: back to the table before, "
        f"revert {trial.reverts + 1}"
    )
    return replace(
        state,
        table=trial.before,
        prefill_table=trial.prefill_before,
        pacing=spent(state.pacing),
        trial=reverted(trial, now_s),
        verdict=(reasons.REVERTED, message),
    )


def _soon(state: State, now_s: float) -> bool:
    """Whether the table has just answered the prompts of now, and few windows say better."""
    changed_s, trial = state.survival.changed_s, state.trial
    if changed_s is None or trial.before is None:
        return False
    return changed_s <= trial.since_s <= now_s < trial.since_s + SOON_S


def _due(state: State, now_s: float) -> bool:
    fitted_s = state.steps.fitted_s
    if fitted_s is None or now_s < fitted_s or now_s - fitted_s >= REFIT_S:
        return True
    return _hurried(state, now_s)


def _in_doubt(state: State, now_s: float) -> bool:
    """Whether to wait for what the next windows say of the engine's pace."""
    fitted_s = state.steps.fitted_s
    if not doubted(state.steps.pace) or _hurried(state, now_s) or fitted_s is None:
        return False
    return 0 <= now_s - fitted_s < LONGEST_DOUBT_S


def _hurried(state: State, now_s: float) -> bool:
    """Whether the prompts changed a moment ago."""
    changed_s = state.survival.changed_s
    return changed_s is not None and now_s - changed_s <= HURRIED_S
