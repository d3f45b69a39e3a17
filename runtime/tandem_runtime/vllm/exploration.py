"""Short bursts at a neighbouring K, so that what another K would give is known and not guessed.

Pure; `choice` calls it once for each step that may explore: speculation on, at or below the
highest concurrency, and no prefill expected unless K is 0 there.
"""

from __future__ import annotations

from typing import NamedTuple

from tandem_runtime.contract.table import Explore


class Burst(NamedTuple):
    """Where exploration stands: eligible steps since the last burst began, and its steps left."""

    waited: int = 0
    left: int = 0
    turn: int = 0
    """Index of the offset of the burst that runs or comes next."""


def target(base: int, offset: int, tiers: tuple[int, ...]) -> int:
    """The tier that `offset` leads to from `base`; `base` itself when there is none that way.

    Where the table says 0 it is the smallest tier above 0, whatever the offset: only a drafted
    token tells whether drafting has come to pay again.
    """
    if base == 0:
        return min((tier for tier in tiers if tier > 0), default=0)
    wanted = base + offset
    if offset > 0:
        return min((tier for tier in tiers if tier >= wanted), default=max(tiers, default=base))
    return max((tier for tier in tiers if tier <= wanted), default=min(tiers, default=base))


def bursting(explore: Explore, burst: Burst) -> bool:
    """Whether the last K was that of a burst."""
    just_ended = burst.turn > 0 and burst.waited == explore.steps - 1
    return burst.left > 0 or just_ended


def step(explore: Explore, burst: Burst, base: int, tiers: tuple[int, ...]) -> tuple[int, Burst]:
    """K of the next step, and where exploration stands after it.

    A burst has one offset, the next burst has the next one. Offsets that lead nowhere from `base`
    are passed over; a burst whose base changes on the way goes on from the new base.
    """
    if burst.left > 0:
        depth = target(base, explore.offsets[burst.turn % len(explore.offsets)], tiers)
        ends = burst.left == 1
        return depth, Burst(burst.waited + 1, burst.left - 1, burst.turn + ends)
    if burst.waited + 1 < explore.every:
        return base, Burst(burst.waited + 1, 0, burst.turn)
    for passed in range(len(explore.offsets)):
        turn = (burst.turn + passed) % len(explore.offsets)
        depth = target(base, explore.offsets[turn], tiers)
        if depth != base:
            return depth, Burst(0, explore.steps - 1, turn + (explore.steps == 1))
    return base, Burst(0, 0, burst.turn)
