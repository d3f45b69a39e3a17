"""Finished parts, each in a file of its own with what it was measured with.

The file's name has a digest of those inputs: a part is measured once for them, other inputs never
displace it, and an interrupted run goes on behind its last finished part.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

VERSION = 1


class Results:
    """The parts of one folder; `common` are the inputs of all of them."""

    def __init__(self, folder: Path, common: Mapping[str, Any]) -> None:
        """Raises OSError when the folder cannot be made."""
        self._folder = folder
        self._common = dict(common)
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, part: str, inputs: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the part found with these inputs; None when it is not finished.

        A file that is damaged counts as not finished: the part is measured again.
        """
        try:
            document = json.loads(self.path(part, inputs).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        result = document.get("result") if isinstance(document, dict) else None
        return result if isinstance(result, dict) else None

    def put(self, part: str, inputs: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Keep a finished part, on the disk before this returns. Raises OSError."""
        path = self.path(part, inputs)
        document = {
            "version": VERSION,
            "part": part,
            "measured": datetime.now(UTC).isoformat(timespec="seconds"),
            "inputs": {**self._common, **inputs},
            "result": dict(result),
        }
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)

    def path(self, part: str, inputs: Mapping[str, Any], suffix: str = ".json") -> Path:
        """The file of a part with these inputs; another suffix for what it keeps beside it."""
        text = json.dumps([VERSION, part, self._common, dict(inputs)], sort_keys=True)
        return self._folder / f"{part}.{hashlib.sha256(text.encode()).hexdigest()[:10]}{suffix}"
