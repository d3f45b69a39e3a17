"""Requests with clock times, as logs have them, and the trace that they make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from tandem_operator.simulation.world.load.trace import (
    MAX_REQUESTS,
    Arrival,
    Trace,
    TraceError,
)


class Timed(NamedTuple):
    """One request: when it came, in seconds of any clock, and its tokens."""

    at_s: float
    input_tokens: int
    output_tokens: int
    segment: str = "other"


def trace_of(name: str, requests: Iterable[Timed]) -> Trace:
    """The requests in order, counted from the first; those without an answer are left out.

    Raises TraceError when none is left.
    """
    used = sorted(one for one in requests if one.input_tokens > 0 and one.output_tokens > 0)
    if not used:
        raise TraceError(f"{name}: no request with tokens in and out in it")
    if len(used) > MAX_REQUESTS:
        raise TraceError(f"{name}: more than {MAX_REQUESTS} requests")
    start_s = used[0].at_s
    arrivals = (
        Arrival(one.at_s - start_s, one.input_tokens, one.output_tokens, one.segment)
        for one in used
    )
    return Trace(name, tuple(arrivals))


def seconds_of(text: str) -> float:
    """Seconds of a time in ISO form, with any number of decimals. Raises ValueError."""
    whole, dot, rest = text.strip().replace("Z", "+00:00").partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    moment = datetime.fromisoformat(whole + rest[digits:])
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.timestamp() + (float(f"0.{rest[:digits]}") if dot and digits else 0.0)
