"""The policy Goodput: from what was learned to the tables in force.

Step times are refitted every 10 s and at once when acceptance changed; a table changes only when
the rows in use gain enough (see `budget`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tandem_operator.tuning import reasons
from tandem_operator.tuning.exploration.schedule import chosen
from tandem_operator.tuning.exploration.value import expected_improvements
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
from tandem_operator.tuning.step_time.drift import unsettled
from tandem_operator.tuning.step_time.model import StepModel, fitted
from tandem_operator.tuning.step_time.profile import profile_context
from tandem_operator.tuning.table import ROWS, Table, row_of

REFIT_S = 9.5
PROMPTS_CHANGED_S = 12.0
LONGEST_UNSETTLED_S = 20.0
"""Since the last decision: windows full of prefill may never say whether the pace changed."""


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


def decided(state: State, settings: Settings, now_s: float, duration_s: float) -> State:
    """The state with the tables that now hold, and the verdict on the last change."""
    state = replace(state, budget=refilled(state.budget, duration_s, now_s))
    before = _tables(state)
    state = _decided(state, settings, now_s)
    return replace(state, budget=noted(state.budget, before, _tables(state), now_s))


def _decided(state: State, settings: Settings, now_s: float) -> State:
    if failed(state.rollback) and not outdated(state.rollback, state.regime_changes):
        return _reverted(state, now_s)
    if not _due(state, now_s) or paused(state.rollback, now_s, state.regime_changes):
        return state
    steps = _fitted(state.steps, settings, now_s)
    state = replace(state, steps=steps)
    scores = scores_of(state, settings)
    old = _tables(state)
    rows = allowed_depths(scores, settings.active_depths, settings.objective, state.service)
    proposed = _proposed(state, scores, settings, rows)
    new = stabilized(state.budget, old, proposed, now_s, settings.stabilization_s)
    saved = gain_of(scores, state.table, new[0], list(map(row_of, state.batches)))
    needed = needed_gain(state.budget)
    barred = new[0] != old[0] and _barred(state, rows)
    changes = new != old and needed is not None and (saved >= needed or barred)
    if changes:
        state = _taken(state, scores, new, saved, now_s)
    return _tried(state, scores, settings, now_s, free=changes)


def _tried(state: State, scores: Scores, settings: Settings, now_s: float, *, free: bool) -> State:
    """The state with what is worth trying at the batch of the moment."""
    if state.batch is None or len(settings.depths) == 1:
        return state
    row = row_of(state.batch)
    base = state.table[row]
    worth = expected_improvements(scores, row, base, state, settings)
    if base == 0:
        # There the engine tries its shallowest depth, whatever the offset.
        offers = {1: worth[1]}
    else:
        offers = {
            depth - base: share
            for depth, share in zip(scores.depths, worth, strict=True)
            if depth != base
        }
    plan = chosen(
        state.exploration_plan, offers, now_s, stock=state.steps.stock, idle=base == 0, free=free
    )
    return replace(state, exploration_plan=plan)


def _proposed(
    state: State, scores: Scores, settings: Settings, rows: Sequence[Sequence[int]]
) -> tuple[Table, Table]:
    with_prefill = allowed_with_prefill(
        rows, settings.active_depths, settings.objective, state.service
    )
    _, before = _tables(state)
    return (
        cleared(proposed_table(scores, rows, state.table, LEAST_GAIN), state.batch, rows),
        proposed_prefill_table(scores, with_prefill, before, LEAST_GAIN),
    )


def _tables(state: State) -> tuple[Table, Table]:
    return state.table, state.prefill_table or state.table


def _barred(state: State, rows: Sequence[Sequence[int]]) -> bool:
    """Whether the row in use holds a depth that the objective forbids."""
    if state.batch is None:
        return False
    row = row_of(state.batch)
    return state.table[row] not in rows[row]


def _taken(
    state: State, scores: Scores, new: tuple[Table, Table], saved: float, now_s: float
) -> State:
    cost = scores.seconds_per_token
    rollback = begun(
        state.rollback,
        (state.table, state.prefill_table),
        tuple(float(cost[row, scores.column(new[0][row])]) for row in range(ROWS)),
        now_s,
        state.regime_changes,
    )
    message = f"saves {100 * saved:.1f} % of the time per token at the batches in use"
    if state.batch is not None:
        row = row_of(state.batch)
        message += f"; at {state.batch:.1f} requests K {state.table[row]} -> {new[0][row]}"
    return replace(
        state,
        table=new[0],
        prefill_table=new[1],
        budget=spent(state.budget),
        rollback=rollback,
        verdict=(reasons.TUNED, message),
    )


def _reverted(state: State, now_s: float) -> State:
    rollback = state.rollback
    assert rollback.before is not None
    message = (
        f"slower than promised in {rollback.slow_windows} windows: back to the table before, "
        f"revert {rollback.reverts + 1}"
    )
    return replace(
        state,
        table=rollback.before,
        prefill_table=rollback.prefill_before,
        budget=spent(state.budget),
        rollback=reverted(rollback, now_s),
        verdict=(reasons.REVERTED, message),
    )


def _due(state: State, now_s: float) -> bool:
    """Whether to decide again: every 10 s, at once when prompts changed, else not while the next
    windows will say whether the engine's step times are others."""
    changed_s, fitted_s = state.survival.changed_s, state.steps.fitted_s
    prompts_changed = changed_s is not None and now_s - changed_s <= PROMPTS_CHANGED_S
    if fitted_s is None or now_s < fitted_s or prompts_changed:
        return True
    in_doubt = unsettled(state.steps.drift)
    return now_s - fitted_s >= (LONGEST_UNSETTLED_S if in_doubt else REFIT_S)
