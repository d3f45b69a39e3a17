"""The depths an engine is started with, and its start schedule.

Engines capture GPU graphs for the depths that are named at start, so only these are ever used. A
step with K drafts verifies K + 1 tokens a request; graphs are found by their number of tokens, so
depths of which K + 1 are powers of two share their sizes and nearly every batch finds its graph.
"""

from tandem_runtime.contract.table import Range

NESTED = (0, 1, 3, 7, 15)
"""Every tier there is: K + 1 doubles from one to the next."""

LARGEST_BATCH = 1024
"""Requests in one step at most, by the engines' own defaults on the largest accelerators."""


def tiers(max_tokens: int) -> tuple[int, ...]:
    """The tiers up to `max_tokens` (at least 1), rising from 0."""
    return tuple(tier for tier in NESTED if tier <= max_tokens)


def taken_down(tokens: int, depths: tuple[int, ...]) -> int:
    """The deepest of `depths` that is not above `tokens`; the lowest where all are."""
    return max((depth for depth in depths if depth <= tokens), default=min(depths, default=0))


def start_schedule(depths: tuple[int, ...], initial_tokens: int, max_batch: int) -> list[Range]:
    """The schedule an engine starts with, safe without anybody to change it.

    `initial_tokens`, one of `depths`, up to the top end of `max_batch`, where every other depth
    stands for one batch size, deepest first, and 0 from the very top on. An engine that takes more
    requests than `max_batch` finds 0 there; in one that takes fewer, depths would fall off the
    end, so `max_batch` is the least that the engine may take. A batch limit too small to hold all
    depths names the deepest ones.
    """
    if max_batch < 2:
        return [Range(1, LARGEST_BATCH, initial_tokens)]
    others = sorted((depth for depth in depths if depth not in (0, initial_tokens)), reverse=True)
    named = others[: max_batch - 2]
    last_low = max_batch - 1 - len(named)
    ranges = [Range(1, last_low, initial_tokens)]
    ranges += [
        Range(last_low + place, last_low + place, depth) for place, depth in enumerate(named, 1)
    ]
    ranges.append(Range(max_batch, max(max_batch, LARGEST_BATCH), 0))
    return ranges
