"""A new table is on trial: if three windows show it slower than promised, the last one comes back.

Compared is the realised time per output token of windows without much prefill, at rows where the
tables differ: it must be above the promise by 5 % and what noise explains, and above what the old
table would need there for the same prompts: its promised step time over the tokens that the
window's own drafts give its K. So prompts that turned hard bring no table back that suits them
even less. An upheaval (other prompts, another pace of the engine) ends the trial, since the
promise was made for what was before. After a revert nothing is tried for 30 s, twice as long after
each further one, up to 8 minutes, or until an upheaval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tandem_operator.tuning.acceptance.counts import Drafts
from tandem_operator.tuning.table import Table

WINDOWS = 3
SLOWER_BY = 0.05
LASTS_S = 60.0
FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 480.0
FORGIVEN_S = 900.0
_STEP_NOISE = 0.12
_TOKEN_NOISE = 0.6
_PROMISED_DRAFTS = 12.0
"""What was promised of the prompts counts as much as so many drafts of a window."""


@dataclass(frozen=True)
class Trial:
    """``promised`` and ``was``: seconds per output token by row, of the new and the old table.

    Both were said for ``survival`` by position. ``upheavals`` is how many there had been when the
    trial began or, after a revert, when it ended.
    """

    before: Table | None = None
    prefill_before: Table | None = None
    promised: tuple[float, ...] = ()
    was: tuple[float, ...] = ()
    survival: tuple[float, ...] = ()
    since_s: float = 0.0
    upheavals: int = 0
    slow_windows: int = 0
    reverts: int = 0
    paused_until_s: float | None = None


def begun(
    trial: Trial,
    before: tuple[Table, Table | None],
    promised: tuple[float, ...],
    was: tuple[float, ...],
    survival: Sequence[float],
    now_s: float,
    upheavals: int,
) -> Trial:
    """A trial of the table that takes over from ``before``."""
    forgiven = trial.paused_until_s is None or now_s - trial.paused_until_s > FORGIVEN_S
    return Trial(
        before=before[0],
        prefill_before=before[1],
        promised=tuple(float(f"{value:.5g}") for value in promised),
        was=tuple(float(f"{value:.5g}") for value in was),
        survival=tuple(round(share, 5) for share in survival),
        since_s=now_s,
        upheavals=upheavals,
        reverts=0 if forgiven else trial.reverts,
        paused_until_s=trial.paused_until_s,
    )


def watched(
    trial: Trial,
    table: Table,
    row: int,
    realised_s: float,
    drafts: Drafts,
    request_steps: float,
    steps: float,
    now_s: float,
    upheavals: int,
) -> Trial:
    """The trial after one window at ``row`` that realised this time per output token."""
    if trial.before is None:
        return trial
    if now_s - trial.since_s > LASTS_S or outdated(trial, upheavals):
        return ended(trial)
    if table[row] == trial.before[row] or not trial.promised:
        return trial
    noise = math.hypot(
        2.0 * _TOKEN_NOISE / math.sqrt(max(1.0, request_steps) / 12.0),
        2.0 * _STEP_NOISE / math.sqrt(max(1.0, steps)),
    )
    slow = realised_s > trial.promised[row] * (1.0 + SLOWER_BY + noise) and (
        realised_s > _old_now_s(trial, row, drafts) * (1.0 + noise)
    )
    return replace(trial, slow_windows=trial.slow_windows + 1 if slow else 0)


def failed(trial: Trial) -> bool:
    return trial.before is not None and trial.slow_windows >= WINDOWS


def outdated(trial: Trial, upheavals: int) -> bool:
    """Whether the prompts or the engine are no longer those that the trial was about."""
    return upheavals != trial.upheavals


def reverted(trial: Trial, now_s: float) -> Trial:
    """After the old table came back: a pause that doubles."""
    pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**trial.reverts)
    return Trial(
        reverts=min(16, trial.reverts + 1),
        paused_until_s=now_s + pause_s,
        upheavals=trial.upheavals,
    )


def ended(trial: Trial) -> Trial:
    return Trial(
        reverts=trial.reverts,
        paused_until_s=trial.paused_until_s,
        upheavals=trial.upheavals,
    )


def paused(trial: Trial, now_s: float, upheavals: int) -> bool:
    until_s = trial.paused_until_s
    if until_s is None or outdated(trial, upheavals):
        return False
    return until_s - LONGEST_PAUSE_S <= now_s < until_s


def _old_now_s(trial: Trial, row: int, drafts: Drafts) -> float:
    """Seconds per output token that the table before would need for the window's own prompts."""
    assert trial.before is not None
    tokens = trial.before[row]
    promised = trial.survival[:tokens]
    if len(promised) < tokens:
        return trial.was[row]
    seen: list[float] = []
    for place, share in enumerate(promised):
        reached = drafts.reached[place] if place < len(drafts.reached) else 0.0
        if reached > 0:
            accepted = drafts.accepted[place] + _PROMISED_DRAFTS * share
            seen.append(min(1.0, accepted / (reached + _PROMISED_DRAFTS)))
        else:
            above = promised[place - 1] if place else 1.0
            seen.append((seen[-1] if seen else 1.0) * (share / above if above > 0 else 0.0))
    return trial.was[row] * (1.0 + sum(promised)) / (1.0 + sum(seen))
