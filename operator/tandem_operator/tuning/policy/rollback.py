"""A new table is watched: three windows slower than promised bring the last table back.

Compared is the realised time per output token of windows without much prefill, at rows where the
tables differ: it must be above the promise by 5 % and what noise explains.
A regime change (other prompts, another pace of the engine) ends the rollback, since the
promise was made for what was before. After a revert nothing is tried for 30 s, twice as long after
each further one, up to 8 minutes, or until a regime change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import Field

from tandem_operator.tuning.table import Table

WINDOWS = 3
SLOWER_BY = 0.05
LASTS_S = 60.0
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 480.0
FORGIVEN_S = 900.0
_STEP_NOISE = 0.12
_TOKEN_NOISE = 0.6


@dataclass(frozen=True)
class Rollback:
    """``promised``: seconds per output token by row.

    ``regime_changes``: how many there were when the table came or, after a revert, when it went.
    """

    before: Table | None = None
    prefill_before: Table | None = None
    promised: tuple[float, ...] = ()
    since_s: float = 0.0
    regime_changes: Annotated[int, Field(alias="upheavals")] = 0
    slow_windows: int = 0
    reverts: int = 0
    paused_until_s: float | None = None


def begun(
    rollback: Rollback,
    before: tuple[Table, Table | None],
    promised: tuple[float, ...],
    now_s: float,
    regime_changes: int,
) -> Rollback:
    """The watch of a table that takes over from ``before``."""
    forgiven = rollback.paused_until_s is None or now_s - rollback.paused_until_s > FORGIVEN_S
    return Rollback(
        before=before[0],
        prefill_before=before[1],
        promised=tuple(float(f"{value:.5g}") for value in promised),
        since_s=now_s,
        regime_changes=regime_changes,
        reverts=0 if forgiven else rollback.reverts,
        paused_until_s=rollback.paused_until_s,
    )


def watched(
    rollback: Rollback,
    table: Table,
    row: int,
    realised_s: float,
    request_steps: float,
    steps: float,
    now_s: float,
    regime_changes: int,
) -> Rollback:
    """The watch after one window at ``row`` that realised this time per output token."""
    if rollback.before is None:
        return rollback
    if now_s - rollback.since_s > LASTS_S or outdated(rollback, regime_changes):
        return ended(rollback)
    if table[row] == rollback.before[row] or not rollback.promised:
        return rollback
    noise = math.hypot(
        2.0 * _TOKEN_NOISE / math.sqrt(max(1.0, request_steps) / 12.0),
        2.0 * _STEP_NOISE / math.sqrt(max(1.0, steps)),
    )
    slow = realised_s > rollback.promised[row] * (1.0 + SLOWER_BY + noise)
    return replace(rollback, slow_windows=rollback.slow_windows + 1 if slow else 0)


def failed(rollback: Rollback) -> bool:
    return rollback.before is not None and rollback.slow_windows >= WINDOWS


def outdated(rollback: Rollback, regime_changes: int) -> bool:
    """Whether the prompts or the engine are no longer those that the table was made for."""
    return regime_changes != rollback.regime_changes


def reverted(rollback: Rollback, now_s: float) -> Rollback:
    """After the old table came back: a pause that doubles."""
    pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**rollback.reverts)
    return replace(
        ended(rollback), reverts=min(16, rollback.reverts + 1), paused_until_s=now_s + pause_s
    )


def ended(rollback: Rollback) -> Rollback:
    return Rollback(
        reverts=rollback.reverts,
        paused_until_s=rollback.paused_until_s,
        regime_changes=rollback.regime_changes,
    )


def paused(rollback: Rollback, now_s: float, regime_changes: int) -> bool:
    until_s = rollback.paused_until_s
    if until_s is None or outdated(rollback, regime_changes):
        return False
    return until_s - LONGEST_PAUSE_S <= now_s < until_s
