"""From a table to what TensorRT-LLM takes: `max_draft_len` and `draft_len_schedule`.

The schedule maps the largest batch size of a range to its K, and above its last key K is 0. Its
smallest key must have `max_draft_len`, and no key may have more.
"""

from __future__ import annotations

from dataclasses import dataclass

from tandem_runtime.contract.table import Range, SpeculationTable

LARGEST_BATCH = 2048
"""TensorRT-LLM's own limit of requests in one step; a schedule that ends above 0 must reach it."""


@dataclass(frozen=True)
class Depths:
    """`schedule` is None where K is the same at every batch size."""

    max_draft_len: int
    schedule: tuple[tuple[int, int], ...] | None = None


def of(table: SpeculationTable | None, deepest: int, initial: int, *, zero: bool) -> Depths:
    """The depths of an engine that starts now.

    Args:
        table: what the operator asks for; None where there is none that can be taken.
        deepest: the K of `speculation.maxTokens`.
        initial: K where there is no table.
        zero: whether the method may run at K 0 in one step and draft again in the next. Where it
            may not, 1 is the least.

    The first range is never at 0: TensorRT-LLM would not start.
    """
    least = 0 if zero else 1
    if table is None:
        return Depths(max(1, min(initial, deepest)))
    ranges = _limited(table) if zero else table.schedule
    first = max(1, min(ranges[0].tokens, deepest))
    spans = [
        (span.last, first if index == 0 else max(least, min(span.tokens, first)))
        for index, span in enumerate(ranges)
    ]
    merged: list[tuple[int, int]] = []
    for last, tokens in spans:
        if merged and merged[-1][1] == tokens:
            merged.pop()
        merged.append((last, tokens))
    last, tokens = merged[-1]
    if len(merged) == 1:
        return Depths(first)
    if tokens:
        merged[-1] = (max(last, LARGEST_BATCH), tokens)
    else:
        merged.pop()
    return Depths(first, tuple(merged))


def _limited(table: SpeculationTable) -> tuple[Range, ...]:
    """The schedule with its limit of requests; above it K is 0."""
    limit = table.max_concurrency
    if limit is None:
        return table.schedule
    kept = tuple(
        Range(span.first, min(span.last, limit), span.tokens)
        for span in table.schedule
        if span.first <= limit
    )
    kept = (*kept[:-1], Range(kept[-1].first, limit, kept[-1].tokens))
    return (*kept, Range(limit + 1, max(LARGEST_BATCH, limit + 1), 0))
