"""What one user asked of the API server, by the audit log: verbs and resources, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.control_plane import audit

LEASES = "leases"
EVENTS = "events"


@dataclass(frozen=True)
class Counts:
    """Finished requests by verb and resource; Leases are told apart, an idle leader renews its."""

    by: Counter[str]

    @property
    def writes(self) -> int:
        """Writes of everything but Leases and Events."""
        return self._sum(read=False, event=False)

    @property
    def events(self) -> int:
        return self._sum(read=False, event=True)

    @property
    def reads(self) -> int:
        return self._sum(read=True, event=False) + self._sum(read=True, event=True)

    def _sum(self, *, read: bool, event: bool) -> int:
        return sum(
            count
            for verb_and_resource, count in self.by.items()
            for verb, _, resource in [verb_and_resource.partition(" ")]
            if resource != LEASES
            and (verb in audit.READS) == read
            and (resource == EVENTS) == event
        )


class Requests:
    """Reads the log on from where it was read last."""

    def __init__(self, log: Path, user: str) -> None:
        self._log = log
        self._user = user
        self._offset = 0
        self.total: Counter[str] = Counter()

    def since(self) -> Counts:
        """What was asked since the last call."""
        counts: Counter[str] = Counter()
        with self._log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                request = audit.parse(line)
                if request.user == self._user:
                    failed = "" if request.accepted else f" ({request.code})"
                    counts[f"{request.verb} {request.resource}{failed}"] += 1
        self.total += counts
        return Counts(counts)
