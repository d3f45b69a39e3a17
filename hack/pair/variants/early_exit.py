"""The target's copy that was trained for early exit: made once, kept in the cache by content."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hack.pair.training import early_exit
from hack.vllm.environment import cache_folder

_MARK = "trained"


def make(target: Path, steps: int) -> Path:
    """The copy's folder, trained first if need be (minutes); needs torch and transformers."""
    digest = hashlib.sha256(Path(early_exit.__file__).read_bytes() + b"%d" % steps)
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        digest.update(name.encode() + b"\0" + (target / name).read_bytes())
    folder = cache_folder() / "pair" / f"early-exit-{digest.hexdigest()[:16]}"
    if not (folder / _MARK).exists():
        early_exit.train_early_exit(target, folder, steps)
        (folder / _MARK).touch()
    return folder
