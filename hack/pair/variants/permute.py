"""Makes the draft that nobody should be able to deploy: same size, other ids.

Its tokenizer and its embedding agree with each other, so it is a sound model by itself; only the
ids mean other bytes than the target's. An engine starts with it, says nothing and accepts nothing.
"""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

_SEED = 1
_EMBEDDING = "model.embed_tokens.weight"


def permute(source: Path, folder: Path) -> None:
    """Write the model in `source` with its ordinary ids shuffled to `folder`; specials stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        shutil.copyfile(source / name, folder / name)
    tokenizer = json.loads((source / "tokenizer.json").read_text())
    special = {token["id"] for token in tokenizer["added_tokens"]}
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    ordinary = sorted(set(vocabulary.values()) - special)
    shuffled = ordinary.copy()
    random.Random(_SEED).shuffle(shuffled)
    new_id = dict(zip(ordinary, shuffled, strict=True))
    moved = {token: new_id.get(number, number) for token, number in vocabulary.items()}
    tokenizer["model"]["vocab"] = dict(sorted(moved.items(), key=lambda item: item[1]))
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, indent=2))
    tensors = load_file(source / "model.safetensors")
    rows = np.arange(tensors[_EMBEDDING].shape[0])
    for old, new in new_id.items():
        rows[new] = old
    # The output layer is tied to the embedding and moves with it.
    tensors[_EMBEDDING] = np.ascontiguousarray(tensors[_EMBEDDING][rows])
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
