"""Hands requests to the engine when they are due, or, again and again, to keep a loop full."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

from tandem_operator.simulation.world.load.trace import Arrival, Trace
from tandem_operator.simulation.world.replica import Replica
from tandem_operator.simulation.world.requests import Finished

ANY = ""
"""Clients that ask in turn whatever comes next in the trace."""


class Source:
    """The clients of one trace."""

    def __init__(self, trace: Trace) -> None:
        self._arrivals = iter(() if trace.concurrency else trace.arrivals)
        self._following = next(self._arrivals, None)
        kinds = trace.clients or ({ANY: trace.concurrency} if trace.concurrency else {})
        self._free = dict(kinds)
        self._asks: dict[str, Iterator[Arrival]] = {
            kind: itertools.cycle([one for one in trace.arrivals if kind in (ANY, one.segment)])
            for kind in kinds
        }

    @property
    def next_s(self) -> float | None:
        """When the next request comes; None when there is none."""
        if self._asks:
            return 0.0
        return None if self._following is None else self._following.arrival_s

    def offer(self, replica: Replica, now_s: float) -> None:
        """Send what is due."""
        for kind, free in self._free.items():
            for _ in range(free):
                replica.submit(next(self._asks[kind]), now_s)
            self._free[kind] = 0
        while self._following is not None and self._following.arrival_s <= now_s:
            replica.submit(self._following, self._following.arrival_s)
            self._following = next(self._arrivals, None)

    def ended(self, finished: Sequence[Finished]) -> None:
        """The clients of these requests send their next ones."""
        for one in finished:
            kind = one.arrival.segment if one.arrival.segment in self._free else ANY
            if kind in self._free:
                self._free[kind] += 1
