"""The depths an engine is started with, and its start schedule.

Engines capture GPU graphs for the depths that are named at start, so only these are ever used.
"""

LADDER = (0, 1, 2, 3, 5, 7, 10, 14, 20, 28)
MAX_TIERS = 6

Range = tuple[int, int, int]
"""First and last number of requests, and K; closed at both ends."""


def tiers(max_tokens: int, initial_tokens: int) -> tuple[int, ...]:
    """At most six depths, rising, always with 0, 1, `initial_tokens` and `max_tokens`.

    While there are more, the one whose neighbours leave the smallest ratio between them goes: the
    ladder stays dense where a step of one matters and reaches the top.
    """
    kept = sorted({rung for rung in LADDER if rung < max_tokens} | {1, initial_tokens, max_tokens})
    fixed = {0, 1, initial_tokens, max_tokens}
    while len(kept) > MAX_TIERS:
        removable = [index for index, rung in enumerate(kept) if rung not in fixed]
        kept.pop(min(removable, key=lambda index: kept[index + 1] / kept[index - 1]))
    return tuple(kept)


def start_schedule(depths: tuple[int, ...], initial_tokens: int, max_batch: int) -> list[Range]:
    """The schedule an engine starts with, safe without anybody to change it.

    `initial_tokens` up to the top end, where every other depth stands for one batch size, deepest
    first, and 0 at the very top. A batch limit too small to hold them all names the deepest ones.
    """
    if max_batch < 2:
        return [(1, max_batch, initial_tokens)]
    others = sorted((depth for depth in depths if depth not in (0, initial_tokens)), reverse=True)
    named = others[: max_batch - 2]
    last_low = max_batch - 1 - len(named)
    ranges = [(1, last_low, initial_tokens)]
    ranges += [(last_low + place, last_low + place, depth) for place, depth in enumerate(named, 1)]
    ranges.append((max_batch, max_batch, 0))
    return ranges
