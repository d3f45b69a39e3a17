"""Mounts below a folder: found, and undone before the folder is deleted."""

from __future__ import annotations

import subprocess
from pathlib import Path


def below(folder: Path, table: str | None = None) -> list[Path]:
    """Mount points below `folder`, innermost first. `table` is /proc/self/mountinfo by default."""
    text = Path("/proc/self/mountinfo").read_text() if table is None else table
    points = [Path(_unescape(line.split()[4])) for line in text.splitlines()]
    mounted = [point for point in points if folder in point.parents]
    return sorted(mounted, key=lambda point: len(point.parts), reverse=True)


def undo(folder: Path) -> None:
    """Unmount everything below `folder`.

    Raises RuntimeError when something stays: deleting the folder would then delete what is mounted.
    """
    for point in below(folder):
        subprocess.run(("umount", "--lazy", str(point)), check=False, capture_output=True)
    if left := below(folder):
        raise RuntimeError(
            f"still mounted: {', '.join(map(str, left))}; unmount it, then try again"
        )


def _unescape(text: str) -> str:
    return text.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
