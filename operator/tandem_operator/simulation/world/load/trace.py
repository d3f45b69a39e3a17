"""What arrives: requests read from a trace file, maybe at another rate."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

COLUMNS = ("arrival_s", "input_tokens", "output_tokens")
MAX_REQUESTS = 2_000_000


class TraceError(ValueError):
    """A trace cannot be read; the message names file, line, column and what was expected."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request: when it comes (seconds from the start) and how many tokens go in and out."""

    arrival_s: float
    input_tokens: int
    output_tokens: int
    segment: str = "other"


@dataclass(frozen=True)
class Trace:
    """Requests in order of arrival. `concurrency` is set for a closed loop: then `arrival_s` is
    ignored and a new request starts when one ends, from the front again after the last. `clients`
    may say how many of them ask for prompts of each segment; without it all ask for what comes
    next.
    """

    name: str
    arrivals: tuple[Arrival, ...]
    concurrency: int | None = None
    clients: Mapping[str, int] | None = None


def read_trace(path: Path) -> Trace:
    """Read a CSV with the columns arrival_s, input_tokens, output_tokens and maybe segment.

    Raises TraceError naming the line and the column of the first bad value, OSError when the file
    cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return parse_trace(str(path), file)
    except UnicodeDecodeError as problem:
        raise TraceError(f"{path}: no CSV in UTF-8: {problem}") from problem


def parse_trace(place: str, file: Iterable[str]) -> Trace:
    """The trace of a CSV's lines; `place` names it in errors. Raises TraceError."""
    lines = Lines(file)
    try:
        reader = csv.DictReader(lines)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise TraceError(
                f"{place}: column {missing[0]!r} is missing; a trace has {', '.join(COLUMNS)}"
                " and maybe segment"
            )
        arrivals = tuple(parse_rows(place, lines, reader))
    except csv.Error as problem:
        raise TraceError(f"{place}: no CSV: {problem}") from problem
    if not arrivals:
        raise TraceError(f"{place}: no request in it")
    ordered = tuple(sorted(arrivals, key=lambda arrival: arrival.arrival_s))
    return Trace(Path(place).stem, ordered)


class Lines:
    """The lines of a file without comments; `number` is that of the last one, comments counted."""

    def __init__(self, file: Iterable[str]) -> None:
        self.number = 0
        self._file = file

    def __iter__(self) -> Iterator[str]:
        for line in self._file:
            self.number += 1
            if not line.startswith("#"):
                yield line


def parse_rows(path: str, lines: Lines, rows: Iterable[dict[str, str]]) -> Iterable[Arrival]:
    for count, row in enumerate(rows, start=1):
        number = lines.number
        if count > MAX_REQUESTS:
            raise TraceError(f"{path}: more than {MAX_REQUESTS} requests")
        try:
            arrival = Arrival(
                float(row["arrival_s"]),
                int(float(row["input_tokens"])),
                int(float(row["output_tokens"])),
                row.get("segment") or "other",
            )
        except (TypeError, ValueError, OverflowError) as problem:
            raise TraceError(f"{path}, line {number}: {problem}") from problem
        if not math.isfinite(arrival.arrival_s) or arrival.arrival_s < 0:
            raise TraceError(f"{path}, line {number}: arrival_s must be 0 or more")
        if arrival.input_tokens < 1 or arrival.output_tokens < 1:
            raise TraceError(f"{path}, line {number}: token counts must be 1 or more")
        yield arrival


def scaled(trace: Trace, rate: float, seed: int = 0) -> Trace:
    """The trace at `rate` times its load: requests left out at random, or the clock compressed.

    Below 1 each request stays with probability `rate`; above 1 arrivals come `rate` times faster.
    """
    if not (math.isfinite(rate) and rate > 0):
        raise TraceError(f"rate is {rate}: give a number above 0")
    if trace.concurrency or rate == 1.0:
        return trace
    if rate > 1.0:
        quicker = tuple(
            Arrival(one.arrival_s / rate, one.input_tokens, one.output_tokens, one.segment)
            for one in trace.arrivals
        )
        return Trace(trace.name, quicker)
    kept = np.random.default_rng([seed, 5]).random(len(trace.arrivals)) < rate
    arrivals = tuple(one for one, keep in zip(trace.arrivals, kept, strict=True) if keep)
    if not arrivals:
        raise TraceError(f"{trace.name}: no request is left at rate {rate}")
    return Trace(trace.name, arrivals)
