"""From a table to SGLang's adaptive file: which numbers of steps a batch size may have.

The file maps the smallest batch size of a range to its candidates. SGLang keeps a mean of accepted
tokens for each range and moves among the candidates by it; 0 drafts nothing for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tandem_runtime.contract.table import Range, SpeculationTable

OPTION = "--speculative-adaptive-config"
CANDIDATES = "candidate_steps"


@dataclass(frozen=True)
class Adaptive:
    """`slots` is the file, `steps` the number that SGLang begins with."""

    slots: Mapping[str, Mapping[str, list[int]]]
    steps: int

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options that must agree with the file: SGLang refuses steps that it does not name."""
        return (
            f"--speculative-num-steps={self.steps}",
            f"--speculative-num-draft-tokens={self.steps + 1}",
        )


def of(table: SpeculationTable | None, tiers: tuple[int, ...], initial: int) -> Adaptive:
    """What an engine starts with.

    Args:
        table: what the operator asks for; None where none can be taken.
        tiers: the depths of the revision, rising; at least one of them above 0.
        initial: K where there is no table.

    A range at K 0, and all batches above the table's limit of requests, draft nothing. In every
    other range SGLang chooses among all tiers. The first range drafts: an engine that begins with 0
    steps makes no room for drafts.
    """
    ranges = (Range(1, 1, initial),) if table is None else _limited(table)
    start = _taken_down(ranges[0].tokens, tiers)
    slots: dict[str, dict[str, list[int]]] = {}
    last: list[int] | None = None
    for index, span in enumerate(ranges):
        drafts = index == 0 or span.tokens > 0
        candidates = list(tiers) if drafts else [0]
        if candidates != last:
            slots[str(span.first)] = {CANDIDATES: candidates}
        last = candidates
    return Adaptive(slots, start)


def _taken_down(tokens: int, tiers: tuple[int, ...]) -> int:
    above = [tier for tier in tiers if tier > 0]
    return max((tier for tier in above if tier <= tokens), default=above[0])


def _limited(table: SpeculationTable) -> tuple[Range, ...]:
    """The schedule with its limit of requests, above which K is 0."""
    limit = table.max_concurrency
    if limit is None:
        return table.schedule
    kept = tuple(span for span in table.schedule if span.first <= limit)
    return (*kept, Range(limit + 1, limit + 1, 0))
