"""A folder that is made once for its content; whoever comes meanwhile waits."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path

COMPLETE = ".complete"
"""Stands in a folder that was made to its end."""


def find(folder: Path) -> Path | None:
    """The finished folder, or None when nobody has made it yet."""
    return folder if (folder / COMPLETE).exists() else None


def ensure(folder: Path, make: Callable[[Path], None]) -> Path:
    """The finished folder. What an earlier attempt left is gone before `make` begins.

    Raises what `make` raises.
    """
    if find(folder) is not None:
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if find(folder) is None:
            shutil.rmtree(folder, ignore_errors=True)
            make(folder)
            (folder / COMPLETE).touch()
    return folder
