"""The loads of the measurement, the settings that are compared, and the order of the blocks.

Pure.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tandem_operator.bench.plan import Block
from tandem_operator.engines.tiers import tiers

DEEPEST = 7
TIERS = tiers(DEEPEST)
"""What the operator starts an engine with for a deepest K of 7; an engine has no other K."""
GOODPUT = "goodput"
OFF = "off"
FIXED = tuple(tokens for tokens in TIERS if tokens)
SETTINGS: Mapping[str, int | None] = {
    GOODPUT: None,
    OFF: 0,
    **{f"K={tokens}": tokens for tokens in FIXED},
}
"""K by setting; None: the tuner's own table."""


@dataclass(frozen=True)
class Phase:
    """A closed loop of `clients`; `mix` is the share of clients that ask each kind of prompt."""

    name: str
    clients: int
    mix: Mapping[str, float]


PHASES = (
    Phase("1-code", 1, {"code": 1.0}),
    Phase("4-mixed", 4, {"code": 0.5, "prose": 0.5}),
    Phase("16-code", 16, {"code": 1.0}),
    Phase("16-prose", 16, {"prose": 1.0}),
)


def prompts_of(phase: Phase, by_kind: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """As many prompts as there are of the rarest kind, in turn by their shares.

    Clients take them in turn too, so that each keeps to one kind.
    """
    count = min(len(by_kind[kind]) for kind in phase.mix)
    owed = dict.fromkeys(phase.mix, 0.0)
    taken: list[str] = []
    turns = dict.fromkeys(phase.mix, 0)
    for _ in range(count):
        for kind, share in phase.mix.items():
            owed[kind] += share
        kind = max(owed, key=owed.__getitem__)
        owed[kind] -= 1.0
        taken.append(by_kind[kind][turns[kind]])
        turns[kind] += 1
    return tuple(taken)


def blocks(rounds: int, seed: int) -> tuple[Block, ...]:
    """Every setting in every phase, once a round; in a round the settings are shuffled.

    A phase lasts half of the rounds, then the next one begins; all phases come twice. So the tuner
    meets each load as users bring it, for minutes, and slow drift of the machine hits all alike.
    """
    draw = random.Random(seed)
    planned: list[Block] = []
    for numbers in (range(rounds // 2), range(rounds // 2, rounds)):
        for phase in draw.sample(PHASES, len(PHASES)):
            for number in numbers:
                settings = draw.sample(list(SETTINGS.values()), len(SETTINGS))
                planned += [Block(number, phase.clients, tokens, phase.name) for tokens in settings]
    return tuple(planned)
