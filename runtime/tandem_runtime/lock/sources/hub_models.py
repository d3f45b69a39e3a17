"""A whole model from the hub, for the pod that serves it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tandem_runtime.contract.pod_lock import LockedSide
from tandem_runtime.lock import refusal
from tandem_runtime.lock.refusal import CannotLookError
from tandem_runtime.lock.sources import hub

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


def download(locked: LockedSide, side: str, place: Path, environ: Mapping[str, str]) -> None:
    """Bring the model at its locked commit to `place`, an existing folder.

    Complete files that stand there already are kept; the hub client checks them by their digest.

    Raises:
        CannotLookError: as hub.bring, and LockFailed for a lock without a commit.
    """
    if locked.revision is None or not hub.COMMIT.fullmatch(locked.revision):
        raise CannotLookError(
            refusal.LOCK_FAILED, f"{locked.uri} is locked to {locked.revision!r}, no commit"
        )
    client = hub.api(side, environ)
    repo = hub.repository(locked.uri)
    with hub.told_apart(locked.uri, locked.revision, hub.token(side, environ) is not None):
        info = client.model_info(repo, revision=locked.revision)
        names = [each.rfilename for each in info.siblings or []]
        safe = any(name.endswith(".safetensors") for name in names)
        client.snapshot_download(
            repo,
            revision=locked.revision,
            local_dir=place,
            ignore_patterns=[*NEVER_SERVED, *(_PICKLES if safe else ())],
        )
