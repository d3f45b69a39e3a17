"""Which other depths the engine tries, so that the model keeps knowing them.

The engine runs ``steps`` of every ``every`` steps at an offset from the table's K, one offset a
burst, and rounds away from that K to a depth that it has; where the table says 0 it tries K=1. With
the plugin's cells a burst has three steps, of which the first is not counted. Where only the
engine's own counters are read, all that a scrape interval shows is one mean: what n tried steps of
N teach grows with n^2 / N, so a burst there lasts `STOCK_INTERVALS` scrape intervals and comes as
much more rarely. Where K is 0 at the load of the moment and step times are known apart, drafts are
what is missing, and short bursts show those in any counters.

Exploration is keen (`KEEN_SHARE` of steps) while depths near the table's are not known apart, and
sparse once they are or, under stock counters, when two minutes of it changed nothing.

While the acceptance rail holds speculation off, drafts are all that can bring it back, and its
promise is in seconds: an engine of slow steps or few requests tries more often, so that the rail
has its drafts within ``forSeconds``. Where no depth pays at the load of the moment, an engine of
slow steps tries K=1 every `IDLE_BURST_S` seconds, as a quick one does by its steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tandem_operator.tuning.settings import Settings
from tandem_operator.tuning.window import Window
from tandem_operator.tuning.window_validation import load_of, loads_of

OFFSETS = (1, -1, 2, -2, 3, -3)
EVERY_STEPS = 200
BURST_STEPS = 3
RETURN_EVERY = (EVERY_STEPS, 100, 50, 25)
"""Steps between bursts while the rail is off: at most one step of eight."""
RETURN_DRAFTS = 24.0
IDLE_EVERY = (EVERY_STEPS, 100)
IDLE_BURST_S = 5.0
SHORTEST_RETURN_S = 10.0

STOCK_INTERVALS = 1.5
MOST_BURST_STEPS = 4096
KEEN_SHARE = 1 / 6
SPARSE_SHARE = 1 / 50
KEEN_EVERY_STEPS = 50
LEAST_WORTH = 0.003
MOST_KEEN = 3
LONGEST_KEEN_S = 120.0
"""What stock counters do not tell in so long is not asked on and on: windows may be full of
prefill, bursts cut in two by scrapes, and meanwhile no other depth is tried."""
FIRST_HELD_S = 10.0
LONGEST_HELD_S = 300.0
RESIZED_S = 120.0
_OUTGROWN = 2.5
"""A burst is resized when it is this many times too long or too short: the load wanders."""


@dataclass(frozen=True)
class ExplorationPlan:
    """``burst_steps``: steps of a burst where only stock counters are read; ``keen``: see above.

    ``idle``: K was 0 at the load when this was chosen. ``since_s``: when the last of so many
    ``choices`` was made.
    """

    burst_steps: int = BURST_STEPS
    keen: bool = True
    idle: bool = False
    offsets: tuple[int, ...] = OFFSETS
    since_s: float | None = None
    choices: int = 0


def sized(plan: ExplorationPlan, windows: tuple[Window, ...], *, free: bool) -> ExplorationPlan:
    """The burst that lasts `STOCK_INTERVALS` of these windows, in steps of the present length.

    ``free``: the table file is written again anyway.
    """
    wanted = [
        STOCK_INTERVALS * window.duration_s / load.step_s
        for window in windows
        if (load := load_of(window)) is not None
    ]
    if not wanted:
        return plan
    known = plan.burst_steps != BURST_STEPS
    steps = round(min(MOST_BURST_STEPS, max(BURST_STEPS, sum(wanted) / len(wanted))))
    if free:
        return replace(plan, burst_steps=steps)
    if known and plan.since_s is not None and windows[0].now_s - plan.since_s < RESIZED_S:
        return plan
    if steps / _OUTGROWN <= plan.burst_steps <= steps * _OUTGROWN:
        return plan
    return replace(plan, burst_steps=steps, since_s=windows[0].now_s)


def chosen(
    plan: ExplorationPlan,
    worth: Mapping[int, float],
    now_s: float,
    *,
    stock: bool,
    idle: bool,
    free: bool,
) -> ExplorationPlan:
    """What to try of the offsets of K, with this ``worth`` as shares of time.

    Keen on up to three offsets, while the best is worth more than `LEAST_WORTH`. Every change
    writes the table file again, so choices are held for a while, longer with each; one that comes
    with a new table is ``free``. With ``stock`` counters no choice is keen for longer than
    `LONGEST_KEEN_S`.
    """
    since_s = plan.since_s
    hold_s = min(LONGEST_HELD_S, FIRST_HELD_S * 2.0**plan.choices)
    lasted_s = 0.0 if since_s is None else now_s - since_s
    tired = stock and plan.keen and not free and lasted_s >= LONGEST_KEEN_S
    if not free and not tired and since_s is not None and 0 <= lasted_s < hold_s:
        return plan
    better = () if tired else (offset for offset in worth if worth[offset] > LEAST_WORTH)
    best = sorted(better, key=lambda offset: -worth[offset])[:MOST_KEEN]
    fresh = replace(plan, keen=bool(best), idle=idle, offsets=tuple(sorted(best)) or OFFSETS)
    if fresh == plan:
        return plan
    return replace(fresh, since_s=now_s, choices=min(16, plan.choices + 1))


def restarted(plan: ExplorationPlan) -> ExplorationPlan:
    """Free to choose again at once, as at the start: the engine has become another one."""
    return replace(plan, since_s=None, choices=0)


def exploration(
    settings: Settings,
    plan: ExplorationPlan,
    *,
    off: bool,
    stock: bool,
    return_every: int,
    by_rail: bool = False,
) -> Mapping[str, Any] | None:
    """The exploration of the present table; None when there is nothing to explore.

    ``return_every`` are the steps between bursts where K is 0 at the load of the moment: exactly
    those while it is 0 ``by_rail``, and at most those where no depth pays. While ``off`` at any
    load the first drafted token is all that is asked for, which short bursts show in any counters.
    """
    if settings.depths[-1] == 0:
        return None
    every = KEEN_EVERY_STEPS if plan.keen and not by_rail else EVERY_STEPS
    if off or plan.idle:
        every = min(every, return_every)
    steps = BURST_STEPS
    if stock and not off and (plan.keen or not plan.idle):
        steps = plan.burst_steps
        every = round(steps / (KEEN_SHARE if plan.keen else SPARSE_SHARE))
    return {"every": every, "steps": steps, "offsets": [1] if off else list(plan.offsets)}


def idle_every(before: int, windows: tuple[Window, ...]) -> int:
    """Steps between bursts of K=1 that come every `IDLE_BURST_S`; only ever more often."""
    loads = loads_of(windows)
    if not loads:
        return before
    wanted = IDLE_BURST_S / max(load.step_s for load in loads)
    return min(before, next((every for every in IDLE_EVERY if every <= wanted), IDLE_EVERY[-1]))


def return_every(before: int, windows: tuple[Window, ...], for_s: float) -> int:
    """Steps between bursts of K=1 that give the rail ``RETURN_DRAFTS`` drafts within ``for_s``.

    A burst of three steps at b requests brings 3 b drafts, and 200 steps of t seconds come every
    200 t. Only ever more often than ``before`` (until speculation is on again), so that a load at
    a border does not change the table at every reconciliation.
    """
    loads = loads_of(windows)
    if not loads:
        return before
    drafts_s = sum(BURST_STEPS * load.batch / load.step_s for load in loads)
    wanted = drafts_s * max(for_s, SHORTEST_RETURN_S) / RETURN_DRAFTS
    fitting = next((every for every in RETURN_EVERY if every <= wanted), RETURN_EVERY[-1])
    return min(before, fitting)
