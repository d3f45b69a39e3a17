"""Archives of images: each made once, by one process at a time, and those that nobody uses gone.

A changed tree makes new ones of up to half a gigabyte each, so the oldest must go.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from hack.images.builder import Image, builder

NEWEST = 3
"""Of one name: the tree as it is, the one before a change, and another branch."""
IN_USE_S = 3 * 3600.0
"""Longer than any run: what was asked for since then may still be read by a path."""


class Alone:
    """One process at a time makes, or removes, an image of this name."""

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / f"{name}.lock").open("w")

    def __enter__(self) -> None:
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __exit__(self, *exc: object) -> None:
        self._lock.close()


def once(image: Image, build: Callable[[], None]) -> Image:
    """The image, built where it is not there; older ones of its name go then.

    An archive's modification time is when it was last asked for. Raises what `build` raises.
    """
    archive = image.archive
    with Alone(archive.parent, archive.stem):
        if archive.exists():
            os.utime(archive)
            return image
        print(f"building {image.reference}", file=sys.stderr, flush=True)
        build()
    prune(archive.parent, archive.stem.rpartition("-")[0], time.time())
    return image


def prune(folder: Path, name: str, now_s: float) -> None:
    """Remove the archives of `name` that are too many, here and in the builder's own store."""
    for archive in superfluous(_used(folder, name), now_s):
        with Alone(folder, archive.stem):
            # Somebody may have asked for it, or removed it, in between.
            if archive not in superfluous(_used(folder, name), now_s):
                continue
            archive.unlink()
        builder().forget(f"localhost/tandem-{name}:{archive.stem.rpartition('-')[2]}")


def superfluous(used_s: Mapping[Path, float], now_s: float) -> list[Path]:
    """Those beyond the newest few that nobody has asked for in hours, oldest first."""
    by_use = sorted(used_s, key=lambda archive: (used_s[archive], archive))
    return [each for each in by_use[:-NEWEST] if now_s - used_s[each] > IN_USE_S]


def _used(folder: Path, name: str) -> dict[Path, float]:
    used_at = {}
    for archive in folder.glob(f"{name}-*.tar"):
        try:
            used_at[archive] = archive.stat().st_mtime
        except FileNotFoundError:
            continue  # removed by another process since it was listed
    return used_at
