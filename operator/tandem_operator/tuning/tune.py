"""The one way in: windows of all replicas and what is remembered, to a decision.

The order of the steps is the order of authority: counters that cannot be believed are left out,
the model proposes, the user's guard rails dispose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from tandem_operator.tuning import reasons
from tandem_operator.tuning.acceptance import Drafts, drafts_of, expected_depths
from tandem_operator.tuning.acceptance_rail import watch
from tandem_operator.tuning.arithmetic import load_of, problem_of
from tandem_operator.tuning.decision import ACTIVE, IDLE, Decision, Prediction
from tandem_operator.tuning.exploration import exploration
from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.state import State
from tandem_operator.tuning.table import ROW_MIDDLES, ROWS, Table, row_of, schedule_of
from tandem_operator.tuning.window import Window

_IMPOSSIBLE_BEFORE_OFF = 3


def initial_state(settings: Settings) -> State:
    """The state before anything is measured, with a table that is safe to start with."""
    return State(table=_start_table(settings))


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
        state = _learned(state, good, settings)
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
    limit = settings.max_concurrency
    if batch is not None and limit is not None and batch > limit and any(table):
        reason = reasons.CONCURRENCY_ABOVE_THRESHOLD
        message = f"{batch:.0f} decoding requests a replica, at most {limit} allowed"
    tokens = table[row_of(batch)] if batch is not None else None
    decision = Decision(
        schedule=schedule_of(table, limit),
        prefill_schedule=None,
        explore=exploration(settings, off=not any(table)) if impossible == 0 else None,
        state=ACTIVE if any(table) else IDLE,
        reason=reason,
        message=message,
        predicted=Prediction(batch=batch, tokens=tokens, acceptance_rate=state.rail.recent_rate),
    )
    return state, decision


def _learned(state: State, windows: tuple[Window, ...], settings: Settings) -> State:
    now_s = max(window.now_s for window in windows)
    duration_s = max(window.duration_s for window in windows)
    limits = settings.thresholds
    drafts = _pooled(_drafts(window, state.table, settings) for window in windows)
    rail = watch(
        state.rail,
        drafts,
        now_s,
        duration_s,
        None if limits is None else limits.min_acceptance_rate,
        0.0 if limits is None else limits.for_s,
    )
    return replace(state, now_s=now_s, rail=rail)


def _drafts(window: Window, table: Table, settings: Settings) -> Drafts:
    load = load_of(window)
    in_force = table if load is None else (table[row_of(load.batch)],)
    mean = window.draft_tokens / window.drafts if window.drafts > 0 else 1.0
    return drafts_of(
        window.accepted_by_position,
        window.drafted_by_position,
        window.drafts,
        window.draft_tokens,
        expected_depths(mean, in_force, settings.depths),
    )


def _pooled(parts: Iterable[Drafts]) -> Drafts:
    accepted: list[float] = []
    reached: list[float] = []
    for part in parts:
        for position, (a, d) in enumerate(zip(part.accepted, part.reached, strict=True)):
            if position == len(accepted):
                accepted.append(0.0)
                reached.append(0.0)
            accepted[position] += a
            reached[position] += d
    return Drafts(tuple(accepted), tuple(reached))


def _batch(windows: tuple[Window, ...]) -> float | None:
    loads = [load for load in (load_of(window) for window in windows) if load is not None]
    return max((load.batch for load in loads), default=None)


def _start_table(settings: Settings) -> Table:
    depths = settings.active_depths
    wanted = [3 if b <= 8.5 else 2 if b <= 24 else 1 if b <= 64 else 0 for b in ROW_MIDDLES]
    return tuple(max((d for d in depths if d <= want), default=depths[0]) for want in wanted)
