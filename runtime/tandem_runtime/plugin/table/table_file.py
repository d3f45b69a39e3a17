"""Reads the table file, whatever lies in its place, without ever blocking.

The watcher's only way to the file. A folder, a FIFO, a device, a dangling link or a file that is
being written is an answer like any other: the table in force stays.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from tandem_runtime.contract.table import MAX_BYTES, SpeculationTable, TableError, parse

Signature = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class Refusal:
    """Why a file was not taken: `cause` is a metric's label, `message` says what to do."""

    cause: str
    message: str


def signature(path: str) -> Signature | None:
    """What changes when the file does; None when there is no file.

    Times and inode are compared for inequality only: a ConfigMap volume swaps a link, and what
    it points to afterwards may well be older.
    """
    try:
        seen = Path(path).stat()
    except (OSError, ValueError):
        return None
    return seen.st_ctime_ns, seen.st_mtime_ns, seen.st_ino, seen.st_size, seen.st_dev


def read(path: str) -> SpeculationTable | Refusal:
    """The table in the file, or why there is none."""
    try:
        # Without O_NONBLOCK the opening of a FIFO would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        return Refusal("missing", f"{path} cannot be opened: {error}")
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return Refusal("kind", f"{path} is no regular file")
        content = _whole(handle)
    except OSError as error:
        return Refusal("unreadable", f"{path} cannot be read: {error}")
    finally:
        os.close(handle)
    try:
        return parse(content)
    except TableError as error:
        return Refusal("invalid", f"{path}: {error}")


def _whole(handle: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while size <= MAX_BYTES:
        part = os.read(handle, MAX_BYTES + 1 - size)
        if not part:
            break
        parts.append(part)
        size += len(part)
    return b"".join(parts)
