"""The one way in: windows of all replicas and what is remembered, to a decision.

The order of the steps is the order of authority: counters that cannot be believed are left out,
the model proposes, the user's guardrails dispose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tandem_operator.tuning import reasons
from tandem_operator.tuning.decision import ACTIVE, IDLE, Decision, Prediction
from tandem_operator.tuning.exploration.schedule import (
    EVERY_STEPS,
    exploration,
    idle_every,
    return_every,
    sized,
)
from tandem_operator.tuning.policy.goodput_policy import decided, started
from tandem_operator.tuning.policy.prediction import prediction_of
from tandem_operator.tuning.settings import GOODPUT, Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.step_time.model import of_form
from tandem_operator.tuning.table import ROW_MIDDLES, ROWS, Table, row_of, schedule_of
from tandem_operator.tuning.update import learned
from tandem_operator.tuning.window import Window
from tandem_operator.tuning.window_validation import problem_of

IMPOSSIBLE_BEFORE_OFF = 3
OFF_TABLE: Table = (0,) * ROWS


def initial_state(settings: Settings) -> State:
    """The state before anything is measured, with a table that is safe to start with."""
    state = State(table=start_table(settings))
    return started(state, settings) if settings.policy == GOODPUT else state


def tune(state: State, windows: tuple[Window, ...], settings: Settings) -> tuple[State, Decision]:
    """Learn from one scrape of all replicas and decide.

    Args:
        state: what the last call returned, or `initial_state`.
        windows: one window a replica; none at all means that the scrape was lost.
        settings: what the user asks; may differ from call to call.

    Returns:
        The state to give to the next call, and the decision now in force.
    """
    judged = [(window, problem_of(window)) for window in windows]
    good = tuple(window for window, problem in judged if problem is None and not window.reset)
    wrong = [f"{window.replica or 'replica'}: {problem}" for window, problem in judged if problem]
    impossible = min(1000, state.impossible_windows + 1) if wrong and not good else 0
    if windows:
        state = replace(state, impossible_windows=impossible)
    state = replace(
        state,
        table=_inside(state.table, settings),
        steps=of_form(state.steps, settings.mixture_of_experts),
    )
    before = state
    if good:
        now_s = max(window.now_s for window in good)
        duration_s = max(window.duration_s for window in good)
        state = learned(state, good, settings, now_s, duration_s)
        if settings.policy == GOODPUT:
            state = decided(state, settings, now_s, duration_s)
    state = replace(
        state,
        return_every=_return_every(state, good, settings),
        exploration_plan=sized(state.exploration_plan, good, free=_written(before, state)),
    )
    table, reason, message = _judged(state, settings, good, wrong)
    limit = settings.max_concurrency
    schedule = schedule_of(table, limit)
    prefill_schedule = None
    if any(table) and settings.policy == GOODPUT and state.prefill_table is not None:
        prefill_schedule = schedule_of(_inside(state.prefill_table, settings), limit)
    status = ACTIVE if any(row.tokens for row in schedule) else IDLE
    shown = (schedule, prefill_schedule, status)
    changed = shown != state.shown
    predicted = prediction_of(state, settings, schedule, prefill_schedule)
    state = replace(state, shown=shown, expected_s=_expected_s(predicted))
    decision = Decision(
        schedule=schedule,
        prefill_schedule=prefill_schedule,
        explore=exploration(
            settings,
            state.exploration_plan,
            off=not any(table),
            stock=state.steps.stock,
            return_every=state.return_every,
            by_rail=state.guardrail.off or settings.policy != GOODPUT,
        )
        if not impossible
        else None,
        state=status,
        reason=reason,
        message=message,
        predicted=predicted,
        changed=changed,
        outliers=tuple(replica.name for replica in state.steps.replicas if replica.outlier),
        inputs=_inputs(state, good),
    )
    return state, decision


def _expected_s(predicted: Prediction) -> float | None:
    """Seconds per output token of steps without prefill."""
    if predicted.step_seconds is None or not predicted.tokens_per_step:
        return None
    return float(f"{predicted.step_seconds / predicted.tokens_per_step:.6g}")


def _written(before: State, state: State) -> bool:
    """Whether the table file changes anyway."""
    return (before.table, before.prefill_table, before.exploration_plan) != (
        state.table,
        state.prefill_table,
        state.exploration_plan,
    )


def _return_every(state: State, good: tuple[Window, ...], settings: Settings) -> int:
    if state.guardrail.off and settings.thresholds is not None:
        return return_every(state.return_every, good, settings.thresholds.for_s)
    if settings.policy == GOODPUT and (state.exploration_plan.idle or not any(state.table)):
        return idle_every(state.return_every, good)
    return EVERY_STEPS


def start_table(settings: Settings) -> Table:
    """A cautious table without any model: 3 up to 8 requests, 2 to 24, 1 to 64, then 0."""
    wanted = [3 if b <= 8.5 else 2 if b <= 24 else 1 if b <= 64 else 0 for b in ROW_MIDDLES]
    return tuple(_nearest(want, settings.active_depths) for want in wanted)


def _judged(
    state: State, settings: Settings, good: tuple[Window, ...], wrong: list[str]
) -> tuple[Table, str, str]:
    """The table after guardrails, and the rule that speaks."""
    table = state.table if settings.policy == GOODPUT else start_table(settings)
    reason, message = state.verdict or (reasons.INITIAL, "start table")
    batch = state.batch
    if not settings.max_tokens:
        return OFF_TABLE, reasons.KILL_SWITCH, "maxTokens is 0"
    impossible = "; ".join(wrong) or "no believable window"
    if state.impossible_windows >= IMPOSSIBLE_BEFORE_OFF:
        return OFF_TABLE, reasons.IMPOSSIBLE_COUNTERS, impossible
    if state.guardrail.off:
        message = "acceptance rate below the minimum"
        return OFF_TABLE, reasons.ACCEPTANCE_BELOW_THRESHOLD, message
    if state.impossible_windows:
        return table, reasons.IMPOSSIBLE_COUNTERS, impossible
    limit = settings.max_concurrency
    if batch is not None and limit is not None and batch > limit and any(table):
        message = f"{batch:.0f} decoding requests a replica, at most {limit} allowed"
        return table, reasons.CONCURRENCY_ABOVE_THRESHOLD, message
    if not good and state.learned:
        return table, reasons.HELD, "no window to learn from: the last table stays"
    if settings.policy == GOODPUT and batch is not None and table[row_of(batch)] == 0:
        return table, reasons.NOT_PROFITABLE, f"at {batch:.1f} requests no depth saves time"
    return table, reason, message


def _inside(table: Table, settings: Settings) -> Table:
    return tuple(_nearest(tokens, settings.active_depths) for tokens in table)


def _nearest(tokens: int, depths: tuple[int, ...]) -> int:
    return max((depth for depth in depths if depth <= tokens), default=depths[0])


def _inputs(state: State, good: tuple[Window, ...]) -> Mapping[str, Any]:
    return {
        "replicas": len(good),
        "batch": state.batch,
        "acceptance_changes": state.survival.changes,
        "pace_shifts": state.steps.drift.shifts,
        "step_cells": len(state.steps.cells),
        "changes_left": round(state.budget.allowance, 1),
        "reverts": state.rollback.reverts,
    }
