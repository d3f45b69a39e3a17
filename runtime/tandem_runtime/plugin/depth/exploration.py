"""Short bursts at a neighbouring K, so that what another K would give is known and not guessed.

Pure; `choice` calls it once for each step that may explore: speculation on, at or below the
highest concurrency, and no prefill expected unless K is 0 there or bursts waited too long for that.
"""

from __future__ import annotations

from typing import NamedTuple

from tandem_runtime.contract.table import Explore

FEWEST_MISSED = 64
"""One long prompt in chunks is many steps, and no reason to try anything beside it."""


class Burst(NamedTuple):
    """Where exploration stands: eligible steps since the last burst began, and its steps left."""

    waited: int = 0
    left: int = 0
    turn: int = 0
    """Index of the offset of the burst that runs or comes next."""
    missed: int = 0
    """Steps that were passed over for their prefill since the last burst ended."""


def missed(burst: Burst) -> Burst:
    """Where exploration stands after a step that was passed over for its prefill."""
    return burst._replace(missed=burst.missed + 1)


def overdue(explore: Explore, burst: Burst) -> bool:
    """Whether bursts go on in steps with prefill, because too few others come."""
    return burst.missed >= max(explore.every, FEWEST_MISSED)


def depth_of(explore: Explore, burst: Burst, base: int, tiers: tuple[int, ...]) -> int:
    """K of the burst that runs, where the table says `base`."""
    return target(base, explore.offsets[burst.turn % len(explore.offsets)], tiers)


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
        depth = depth_of(explore, burst, base, tiers)
        ends = burst.left == 1
        return depth, Burst(
            burst.waited + 1, burst.left - 1, burst.turn + ends, 0 if ends else burst.missed
        )
    if burst.waited + 1 < explore.every:
        return base, burst._replace(waited=burst.waited + 1)
    for passed in range(len(explore.offsets)):
        turn = (burst.turn + passed) % len(explore.offsets)
        depth = target(base, explore.offsets[turn], tiers)
        if depth != base:
            ends = explore.steps == 1
            return depth, Burst(0, explore.steps - 1, turn + ends, 0 if ends else burst.missed)
    return base, Burst(0, 0, burst.turn)
