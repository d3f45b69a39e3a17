"""The largest value of each field of a table: it is taken, and one more is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tandem_runtime.contract.table import Explore, Range, Segment, TableError, parse

MINIMAL = {"version": 1, "lock": "ab", "generation": 3, "schedule": [[1, 8, 5]]}


def explore(every: int = 10, steps: int = 1, offsets: tuple[int, ...] = (1,)) -> dict[str, Any]:
    return {"explore": {"every": every, "steps": steps, "offsets": list(offsets)}}


def ranges(number: int) -> list[list[int]]:
    return [[batch, batch, 1] for batch in range(1, number + 1)]


def segments(number: int) -> dict[str, Any]:
    return {"segments": {f"s{each}": {"maxTokens": 1} for each in range(number)}}


BOUNDS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "generation": ({"generation": 2**62}, {"generation": 2**62 + 1}, "generation is"),
    "hysteresis": ({"hysteresisPercent": 100}, {"hysteresisPercent": 101}, "hysteresisPercent"),
    "concurrency": ({"maxConcurrency": 1_000_000}, {"maxConcurrency": 1_000_001}, "1000001"),
    "tokens": (
        {"schedule": [[1, 8, 1024]]},
        {"schedule": [[1, 8, 1025]]},
        "tokens is 1025; it must be from 0 to 1024",
    ),
    "requests": (
        {"schedule": [[1, 1_000_000, 1]]},
        {"schedule": [[1, 1_000_001, 1]]},
        "last is 1000001; it must be from 1 to 1000000",
    ),
    "ranges": ({"schedule": ranges(1024)}, {"schedule": ranges(1025)}, "1 to 1024 ranges"),
    "every": (explore(every=2**31), explore(every=2**31 + 1), "explore.every is 2147483649"),
    "steps": (explore(every=9, steps=9), explore(every=9, steps=10), "explore.steps is 10"),
    "offset": (explore(offsets=(1024,)), explore(offsets=(1025,)), "explore.offsets is"),
    "lower offset": (explore(offsets=(-1024,)), explore(offsets=(-1025,)), "explore.offsets is"),
    "offsets": (explore(offsets=(1,) * 64), explore(offsets=(1,) * 65), "1 to 64 integers"),
    "segments": (segments(1024), segments(1025), "an object of segment names"),
    "segment's tokens": (
        {"segments": {"a": {"maxTokens": 1024}}},
        {"segments": {"a": {"maxTokens": 1025}}},
        "segments.a.maxTokens is 1025; it must be an integer from 0 to 1024",
    ),
}


@pytest.mark.parametrize(("most", "more", "message"), BOUNDS.values(), ids=BOUNDS)
def test_the_largest_value_is_taken_and_one_more_refused(
    most: dict[str, Any], more: dict[str, Any], message: str
) -> None:
    assert parse(json.dumps({**MINIMAL, **most}))
    with pytest.raises(TableError, match=message):
        parse(json.dumps({**MINIMAL, **more}))


def test_the_smallest_values_are_taken() -> None:
    table = parse(
        json.dumps(
            {
                **MINIMAL,
                **explore(every=1, steps=1),
                "generation": 0,
                "schedule": [[1, 1, 0]],
                "hysteresisPercent": 0,
                "maxConcurrency": 0,
                "segments": {"a": {"maxTokens": 0}},
            }
        )
    )

    assert (table.generation, table.hysteresis_percent, table.max_concurrency) == (0, 0, 0)
    assert table.schedule == (Range(1, 1, 0),)
    assert table.explore == Explore(1, 1, (1,))
    assert table.segments == {"a": Segment(0)}


def test_a_file_of_64_kib_is_read_and_a_larger_one_is_not() -> None:
    content = json.dumps(MINIMAL)

    assert parse(content.ljust(65_536)) == parse(content)
    with pytest.raises(TableError, match="65537 bytes'; it must be at most 65536"):
        parse(content.ljust(65_537))


def test_a_segment_without_a_limit_has_the_highest() -> None:
    assert parse(json.dumps({**MINIMAL, "segments": {"a": {}}})).segments == {"a": Segment(1024)}
