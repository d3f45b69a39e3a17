"""What one check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How it stands. `unknown`: this user may not read it; it is not counted as wrong."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
    """One check, how it stands, what was seen, and what to do where something is to be done."""

    check: str
    level: Level
    message: str
    remedy: str = ""
