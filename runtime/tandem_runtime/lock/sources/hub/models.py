"""A whole model from the hub, for the pod that serves it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from tandem_runtime.contract.pod_lock import LockedSide
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import CannotInspectError
from tandem_runtime.lock.sources.access import Access
from tandem_runtime.lock.sources.hub import refusals as hub_refusals
from tandem_runtime.lock.sources.hub import repository as hub

NEVER_SERVED = (
    "*.bin.index.json",
    "*.ckpt",
    "*.h5",
    "*.md",
    "*.msgpack",
    "*.onnx",
    "*.ot",
    "*.png",
    "*.tflite",
    ".gitattributes",
    "onnx/*",
    "original/*",
)
"""Copies of the weights for other frameworks, and texts for people."""
_PICKLES = ("*.bin", "*.pt", "*.pth")


COMPLETE = ".tandem-complete.json"
"""Written last: the commit and the size of each file. With it a pod starts without the hub."""


def download(locked: LockedSide, side: str, place: Path, environ: Mapping[str, str]) -> None:
    """Bring the model at its locked commit to `place`, an existing folder.

    A folder that is complete is taken without asking the hub. Several pods may share the folder:
    the hub's client writes each file aside, under a lock, and renames it; what a killed download
    left is continued or done again.

    Raises:
        CannotInspectError: as hub.fetch, and LockFailed for a lock without a commit.
    """
    if locked.revision is None or not hub.COMMIT.fullmatch(locked.revision):
        raise CannotInspectError(
            lock_errors.LOCK_FAILED, f"{locked.uri} is locked to {locked.revision!r}, no commit"
        )
    if is_complete(place, locked.revision):
        return
    client = hub.api(side, environ)
    repo = hub.repository(locked.uri)
    access = Access.of(hub.token(side, environ) is not None, environ)
    with hub_refusals.translate_errors(locked.uri, locked.revision, access):
        info = client.model_info(repo, revision=locked.revision)
        names = [each.rfilename for each in info.siblings or []]
        safe = any(name.endswith(".safetensors") for name in names)
        client.snapshot_download(
            repo,
            revision=locked.revision,
            local_dir=place,
            ignore_patterns=[*NEVER_SERVED, *(_PICKLES if safe else ())],
        )
        mark_complete(place, locked.revision, names)


def is_complete(place: Path, commit: str) -> bool:
    """Whether an earlier download of this commit ended and all its files still have their size."""
    try:
        record = json.loads((place / COMPLETE).read_text())
        sizes: dict[str, int] = record["files"]
        return record["commit"] == commit and all(
            (place / name).stat().st_size == size for name, size in sizes.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        # No record, or one that cannot be read, proves nothing: the hub is asked.
        return False


def mark_complete(place: Path, commit: str, names: Iterable[str]) -> None:
    """Record that all of these files of the commit are there, whole."""
    sizes = {name: (place / name).stat().st_size for name in names if (place / name).is_file()}
    # Two pods may end at once, and each must leave a whole record.
    with tempfile.NamedTemporaryFile("w", dir=place, prefix=".tandem-", delete=False) as file:
        json.dump({"commit": commit, "files": sizes}, file)
    Path(file.name).replace(place / COMPLETE)
