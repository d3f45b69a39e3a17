"""Answers of the OpenAI API as gateways log them: one JSON object a line.

Of each object, or of the `response` or `body` in it: `usage.prompt_tokens` and
`usage.completion_tokens` (or `input_tokens` and `output_tokens`), and when it came: `timestamp`,
`request_time`, `created_at` or `created`, in seconds of Unix time or in ISO form. `created` is in
whole seconds: requests of one second are spread over it evenly. `segment` may name the kind of
text.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from tandem_operator.cli.loads.timed import Timed, seconds_of
from tandem_operator.simulation.world.load.trace import TraceError

TIMES = ("timestamp", "request_time", "created_at", "created")
INPUTS = ("prompt_tokens", "input_tokens")
OUTPUTS = ("completion_tokens", "output_tokens")
INSIDE = ("response", "body")

Object = dict[str, Any]


def requests(place: str, lines: Iterable[str]) -> Iterator[Timed]:
    """The requests of the lines that have usage. Raises TraceError with the line."""
    parsed = [
        one
        for number, line in enumerate(lines, start=1)
        if line.strip()
        for one in _read(f"{place}, line {number}", line)
    ]
    whole = Counter(one.at_s for one in parsed)
    seen: Counter[float] = Counter()
    for one in parsed:
        spread = seen[one.at_s] / whole[one.at_s] if one.at_s == int(one.at_s) else 0.0
        seen[one.at_s] += 1
        yield one._replace(at_s=one.at_s + spread)


def _read(where: str, line: str) -> Iterator[Timed]:
    try:
        document = json.loads(line)
    except ValueError as problem:
        raise TraceError(f"{where}: not JSON: {problem}") from problem
    levels = list(_levels(document))
    usage = next((one["usage"] for one in levels if isinstance(one.get("usage"), dict)), None)
    if usage is None:
        return  # an error, or a part of a stream: the last part has the usage
    at = _first(levels, TIMES)
    if at is None:
        raise TraceError(f"{where}: no time of it, one of {', '.join(TIMES)}")
    counts = [_first([usage], names) for names in (INPUTS, OUTPUTS)]
    if not all(isinstance(count, int) for count in counts):
        raise TraceError(f"{where}: usage has no whole {INPUTS[0]} and {OUTPUTS[0]}")
    try:
        at_s = float(at) if isinstance(at, int | float) else seconds_of(str(at))
    except ValueError as problem:
        raise TraceError(f"{where}: {problem}") from problem
    if not math.isfinite(at_s):
        raise TraceError(f"{where}: {at!r} is no time")
    yield Timed(at_s, counts[0], counts[1], str(_first(levels, ("segment",)) or "other"))


def _levels(document: Any) -> Iterator[Object]:
    if not isinstance(document, dict):
        return
    yield document
    for name in INSIDE:
        yield from _levels(document.get(name))


def _first(places: Iterable[Object], names: Iterable[str]) -> Any:
    places = list(places)
    values = (one.get(name) for name in names for one in places)
    return next((value for value in values if value is not None), None)
