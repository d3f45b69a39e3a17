"""Which loads are measured, and in which order.

Pure. Rounds repeat every load in another order, so that a busy neighbour hits all K alike. A run
that is cut short has its corners first: least and most clients, shallowest and deepest K.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass


class PlanError(ValueError):
    """Nothing can be measured by this plan; the message names the option and what it may be."""


@dataclass(frozen=True)
class Block:
    """One load: so many clients in a closed loop at one K. ``tokens`` None: whatever K is in force.

    ``round`` counts from 0; ``segment`` names the prompts.
    """

    round: int
    concurrency: int
    tokens: int | None
    segment: str


def blocks(
    tokens: Sequence[int | None],
    concurrencies: Sequence[int],
    segments: Sequence[str],
    rounds: int,
    seed: int = 0,
) -> tuple[Block, ...]:
    """Every load of every round, in the order to measure. Raises PlanError for an empty plan."""
    for name, values in (("K", tokens), ("concurrency", concurrencies), ("prompts", segments)):
        if not values:
            raise PlanError(f"no {name} is given: name one at least")
    if rounds < 1:
        raise PlanError(f"rounds is {rounds}: give 1 or more")
    if min(concurrencies) < 1:
        raise PlanError(f"concurrency is {min(concurrencies)}: give 1 or more")
    draw = random.Random(seed)  # noqa: S311 (an order, no secret)
    depths = [depth for depth in tokens if depth is not None]
    edges = {min(depths), max(depths)} if depths else {None}
    planned: list[Block] = []
    for number in range(rounds):
        each = [
            Block(number, clients, depth, segment)
            for clients in sorted(set(concurrencies))
            for depth in dict.fromkeys(tokens)
            for segment in segments
        ]
        draw.shuffle(each)
        if number == 0:
            ends = {min(concurrencies), max(concurrencies)}
            each.sort(key=lambda one: not (one.concurrency in ends and one.tokens in edges))
        planned += each
    return tuple(planned)


def remaining(plan: Sequence[Block], done: Collection[Block]) -> tuple[Block, ...]:
    """What is left to measure, in the plan's order."""
    finished = set(done)
    return tuple(block for block in plan if block not in finished)
