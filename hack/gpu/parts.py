"""Which parts there are, on which engine each runs, and in which order. Pure.

What must be known comes first, so that a run that is cut short has it; the tuner, which takes as
long as there is, comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from hack.gpu.setup.setups import INVARIANT, NGRAM, OFF, TIERED, UNTIERED, V1

START, STEPS, GRAPHS, CONSTRAINED, EXACT, TUNED = (
    "start", "steps", "graphs", "constrained", "exact", "tuned",
)  # fmt: skip


class Part(NamedTuple):
    """One measurement on one setup."""

    kind: str
    setup: str

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.setup}"


def parts_of(dry: bool) -> tuple[Part, ...]:
    """Every part, in the order to measure."""
    tuned = Part(TUNED, TIERED)
    if dry:
        return (
            *_on(OFF, START, STEPS, EXACT),
            *_on(TIERED, START, STEPS, GRAPHS, CONSTRAINED, EXACT),
            tuned,
            *_on(UNTIERED, START, STEPS),
            *_on(NGRAM, START, STEPS),
        )
    return (
        *_on(OFF, START, STEPS, GRAPHS),
        *_on(TIERED, START, STEPS, GRAPHS, CONSTRAINED),
        *_on(UNTIERED, START, STEPS, GRAPHS),
        *_on(OFF + INVARIANT, START, EXACT),
        *_on(TIERED + INVARIANT, START, EXACT),
        *_on(TIERED + V1, START, STEPS, GRAPHS),
        *_on(OFF + V1, START, STEPS),
        *_on(NGRAM, START, STEPS),
        *_on(NGRAM + V1, START, STEPS),
        tuned,
    )


def by_engine(parts: Sequence[Part]) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """Neighbours of one setup together: they share one start of their engine."""
    for setup, group in groupby(parts, key=lambda part: part.setup):
        yield setup, tuple(group)


def _on(setup: str, *kinds: str) -> tuple[Part, ...]:
    return tuple(Part(kind, setup) for kind in kinds)
