"""The Azure LLM inference traces as they are published: CSV with a clock time a request."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from tandem_operator.cli.loads.timed import Timed, seconds_of
from tandem_operator.simulation.world.load.trace import TraceError

TIME, INPUT, OUTPUT = "TIMESTAMP", "ContextTokens", "GeneratedTokens"


def requests(place: str, lines: Iterable[str]) -> Iterator[Timed]:
    """The requests of the lines. Raises TraceError with the line and what is wrong."""
    reader = csv.DictReader(lines, skipinitialspace=True)
    missing = [name for name in (TIME, INPUT, OUTPUT) if name not in (reader.fieldnames or ())]
    if missing:
        raise TraceError(f"{place}: column {missing[0]!r} is missing")
    for row in reader:
        try:
            yield Timed(seconds_of(row[TIME]), int(row[INPUT]), int(row[OUTPUT]))
        except (ValueError, TypeError, AttributeError) as problem:
            raise TraceError(f"{place}, line {reader.line_num}: {problem}") from problem
