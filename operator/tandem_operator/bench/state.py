"""The file of finished blocks beside the profile: a second run goes on where the first ended.

One JSON object a line: first what is measured, then one line a finished block, on the disk before
the next block begins.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tandem_operator.bench.measured import Measured, from_document, to_document

VERSION = 1


class StateError(Exception):
    """The file cannot be gone on with; the message names it and the remedy."""


def path_beside(out: Path) -> Path:
    """Where the finished blocks of a profile are."""
    return out.with_name(out.name + ".state.jsonl")


class State:
    """Finished blocks of one measurement; ``subject`` tells one measurement from another."""

    def __init__(self, path: Path, subject: Mapping[str, Any]) -> None:
        """Read what is there. Raises StateError for the state of another measurement, OSError."""
        self._path = path
        self._header = {"version": VERSION, **subject}
        self.done: list[Measured] = []
        if path.exists():
            self._read()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._append(self._header)

    def add(self, measured: Measured) -> None:
        """Keep a finished block."""
        self._append(to_document(measured))
        self.done.append(measured)

    def _read(self) -> None:
        text = self._path.read_text(encoding="utf-8")
        # A line without its end was being written when the last run was killed.
        whole = text[: text.rfind("\n") + 1]
        lines = whole.splitlines()
        try:
            header = json.loads(lines[0]) if lines else None
            self.done = [from_document(json.loads(line)) for line in lines[1:]]
        except (ValueError, KeyError, TypeError) as problem:
            raise StateError(
                f"{self._path}: not a state of tandem bench ({problem}): remove it to start again"
            ) from problem
        if header is not None and header != self._header:
            differing = [key for key in self._header if header.get(key) != self._header[key]]
            raise StateError(
                f"{self._path}: began as another measurement (differs in "
                f"{', '.join(differing) or 'its keys'}): use the same options, another --out, "
                "or remove it to start again"
            )
        if whole != text:
            self._path.write_text(whole, encoding="utf-8")
        if header is None:
            self._append(self._header)

    def _append(self, document: Mapping[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(document, separators=(",", ":")) + "\n")
            file.flush()
            os.fsync(file.fileno())
