"""The one way in: windows of all replicas and what is remembered, to a decision.

The order of the steps is the order of authority: counters that cannot be believed are left out,
the model proposes, the user's guard rails dispose.
"""

from __future__ import annotations

from dataclasses import replace

from tandem_operator.tuning import reasons
from tandem_operator.tuning.arithmetic import load_of, problem_of
from tandem_operator.tuning.deciding import decided, started
from tandem_operator.tuning.decision import ACTIVE, IDLE, Decision, Prediction
from tandem_operator.tuning.exploration import exploration
from tandem_operator.tuning.learning import learned
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.table import ROW_MIDDLES, ROWS, Table, row_of, schedule_of
from tandem_operator.tuning.window import Window

GOODPUT = "Goodput"
_IMPOSSIBLE_BEFORE_OFF = 3


def initial_state(settings: Settings) -> State:
    """The state before anything is measured, with a table that is safe to start with."""
    state = State(table=_start_table(settings))
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
    problems = {window.replica: problem_of(window) for window in windows}
    good = tuple(w for w in windows if problems[w.replica] is None and not w.reset)
    wrong = [f"{name or 'replica'}: {problem}" for name, problem in problems.items() if problem]
    impossible = state.impossible_windows + 1 if wrong and not good else 0
    state = replace(state, impossible_windows=impossible)
    if good:
        state = learned(state, good, settings)
        if settings.policy == GOODPUT:
            state = decided(state, settings, max(window.duration_s for window in good))
    table = state.table if settings.max_tokens else (0,) * ROWS
    batch = _batch(good)
    reason, message = reasons.INITIAL, "start table"
    if not settings.max_tokens:
        reason, message = reasons.KILL_SWITCH, "maxTokens is 0"
    elif impossible:
        reason, message = reasons.IMPOSSIBLE_COUNTERS, "; ".join(wrong)
        if impossible >= _IMPOSSIBLE_BEFORE_OFF:
            table = (0,) * ROWS
    elif state.rail.off:
        table = (0,) * ROWS
        reason, message = reasons.ACCEPTANCE_BELOW_THRESHOLD, "acceptance rate below the minimum"
    prefill = state.prefill_table if any(table) else None
    limit = settings.max_concurrency
    if batch is not None and limit is not None and batch > limit and any(table):
        reason = reasons.CONCURRENCY_ABOVE_THRESHOLD
        message = f"{batch:.0f} decoding requests a replica, at most {limit} allowed"
    tokens = table[row_of(batch)] if batch is not None else None
    decision = Decision(
        schedule=schedule_of(table, limit),
        prefill_schedule=None if prefill is None else schedule_of(prefill, limit),
        explore=exploration(settings, off=not any(table)) if impossible == 0 else None,
        state=ACTIVE if any(table) else IDLE,
        reason=reason,
        message=message,
        predicted=Prediction(batch=batch, tokens=tokens, acceptance_rate=state.rail.recent_rate),
    )
    return state, decision


def _batch(windows: tuple[Window, ...]) -> float | None:
    loads = [load for load in (load_of(window) for window in windows) if load is not None]
    return max((load.batch for load in loads), default=None)


def _start_table(settings: Settings) -> Table:
    depths = settings.active_depths
    wanted = [3 if b <= 8.5 else 2 if b <= 24 else 1 if b <= 64 else 0 for b in ROW_MIDDLES]
    return tuple(max((d for d in depths if d <= want), default=depths[0]) for want in wanted)
