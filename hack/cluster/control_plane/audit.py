"""Reads the API server's audit log: who wrote what. Tests count an operator's writes with it.

Reads of service accounts are in the log too, for whoever counts an operator's requests.
"""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

READS = ("get", "list", "watch")


@dataclass(frozen=True)
class Write:
    """One finished write: `code` is the HTTP status that answered it."""

    user: str
    verb: str
    resource: str
    namespace: str
    name: str
    code: int
    at: datetime.datetime

    @property
    def accepted(self) -> bool:
        return self.code < 400


def writes(log: Path, user: str = "") -> list[Write]:
    """Writes by users whose name begins with `user`, oldest first; none when there is no log yet.

    `resource` carries its subresource: `pods/status`. A line that is being written is left out.
    """
    if not log.exists():
        return []
    matches = []
    for line in log.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            write = parse(line)
            if write.user.startswith(user) and write.verb not in READS:
                matches.append(write)
    return matches


def parse(line: str | bytes) -> Write:
    """One line of the log. Reads are told as writes are."""
    event: dict[str, object] = json.loads(line)
    about, user, answer = (_mapping(event.get(k)) for k in ("objectRef", "user", "responseStatus"))
    parts = [str(about[k]) for k in ("resource", "subresource") if about.get(k)]
    return Write(
        user=str(user.get("username", "")),
        verb=str(event["verb"]),
        resource="/".join(parts),
        namespace=str(about.get("namespace", "")),
        name=str(about.get("name", "")),
        code=int(str(answer.get("code", 0))),
        at=datetime.datetime.fromisoformat(str(event["stageTimestamp"])),
    )


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
