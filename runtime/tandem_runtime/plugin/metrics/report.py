"""The file by which the scheduler's process tells the API process what to show on /metrics.

One file an engine, written whole beside its place and renamed into it, so that a reader never sees
half of one. Folders are memory (`/dev/shm`), so nothing is flushed to a disk.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

VERSION = 1
_PATTERN = "engine-*.json"


def write(folder: Path, engine: int, content: dict[str, Any]) -> None:
    """Put the report of one engine (its data-parallel rank) into place. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".engine-{engine}.{os.getpid()}"
    temporary.write_text(json.dumps({"version": VERSION, **content}, separators=(",", ":")))
    temporary.replace(folder / f"engine-{engine}.json")


def read_all(folder: Path) -> list[dict[str, Any]]:
    """The reports in a folder, by engine; what is no report of this version is left out."""
    reports = []
    for path in sorted(folder.glob(_PATTERN)):
        try:
            content = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        if isinstance(content, dict) and content.get("version") == VERSION:
            reports.append(content)
    return reports
