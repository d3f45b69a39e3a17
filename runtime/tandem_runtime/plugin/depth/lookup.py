"""K of the next step: the table, its hysteresis, the highest concurrency, prefill, exploration.

Pure; the scheduler keeps the state between two steps and nothing else does.
"""

from __future__ import annotations

from typing import NamedTuple

from tandem_runtime.contract.table import position_of
from tandem_runtime.plugin.depth.exploration import (
    Burst,
    bursting,
    depth_of,
    missed,
    overdue,
    target,
)
from tandem_runtime.plugin.depth.exploration import step as explore_step
from tandem_runtime.plugin.depth.hysteresis import above_limit, settled
from tandem_runtime.plugin.table.plan import Plan

PREFILL_TOKENS = 128
"""Prefill tokens in a step from which on its table is `prefillSchedule`."""


class State(NamedTuple):
    """What is in force: the range, whether the load is above the limit, and the exploration."""

    current: int | None = None
    above: bool = False
    burst: Burst = Burst()


START = State()


def choose(plan: Plan, state: State, batch: int, prefill: bool) -> tuple[int, State]:
    """K for a step in which `batch` requests decode and `prefill` says that many tokens prefill.

    An empty batch changes nothing: the next request finds the range that its number names.
    """
    if batch < 1:
        return 0, state
    percent = plan.table.hysteresis_percent
    current = settled(plan.schedule, state.current, batch, percent)
    above = above_limit(plan.table.max_concurrency, state.above, batch, percent)
    burst = state.burst
    if not plan.enabled or above:
        depth = 0
    else:
        own = _with_prefill(plan, batch) if prefill else None
        depth = plan.schedule[current].tokens if own is None else own
        # Where all steps carry prefill, bursts are all that could tell that drafts pay again, or
        # that they no longer do.
        if plan.explore is not None:
            if prefill and depth and not overdue(plan.explore, burst):
                burst = missed(burst)
            else:
                depth, burst = explore_step(plan.explore, burst, depth, plan.tiers)
    if current == state.current and above == state.above and burst is state.burst:
        return depth, state
    return depth, State(current, above, burst)


def bound(plan: Plan, state: State, batch: int, prefill: bool) -> int | None:
    """Most drafts that may be verified in a step about to be scheduled; None: all that there are.

    Drafts made one step ago are cut where what they were made for no longer holds: speculation
    was switched off, the load rose above the limit, or prefill came that was not foreseen. Of a
    burst where K is 0 one draft stays, and all of one that goes on in steps with prefill.
    """
    limit = plan.table.max_concurrency
    if not plan.enabled or (limit is not None and batch > limit):
        return 0
    if not prefill:
        return None
    depth = _with_prefill(plan, batch)
    explore, burst = plan.explore, state.burst
    if depth is None or explore is None or not bursting(explore, burst):
        return depth
    if depth == 0:
        return target(0, 1, plan.tiers)
    if burst.left and overdue(explore, burst):
        return max(depth, depth_of(explore, burst, depth, plan.tiers))
    return depth


def _with_prefill(plan: Plan, batch: int) -> int | None:
    """K of the table for steps with prefill; None without such a table."""
    schedule = plan.prefill_schedule
    return None if schedule is None else schedule[position_of(schedule, batch)].tokens


def carried_over(state: State, before: Plan | None, after: Plan) -> State:
    """The state under a new plan: the range in force is kept only if the ranges are the same."""
    if before is None or _boundaries(before) != _boundaries(after):
        return START
    same = before.table.explore == after.table.explore
    return state if same else state._replace(burst=Burst())


def _boundaries(plan: Plan) -> tuple[tuple[int, int], ...]:
    return tuple((span.first, span.last) for span in plan.schedule)
