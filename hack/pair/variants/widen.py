"""Makes the target as slow as a bigger one without changing what it says.

Speculation pays when a step of the target costs much more than one of the draft. A trained model
of that size does not belong in a repository, so the demo and the measurements add dead weight at
their start: layers whose outputs are zero, and a wider MLP whose added columns are zero.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from hack.vllm.environment import cache_folder

Tensors = dict[str, NDArray[np.float16]]

LAYERS = 8
"""Layers in all: the target's own and dead ones."""
_FIRST = "model.layers.0."
_MARK = "widened.json"
_RECIPE = b"2"  # counts changes of what is written that the sizes do not show
_COPIED = ("generation_config.json", "tokenizer.json", "tokenizer_config.json")


def widen(source: Path, parameters: int, folder: Path | None = None) -> Path:
    """Write the model in `source` with about `parameters` parameters; returns its folder.

    `folder` defaults to one in the cache that belongs to the content. Does nothing when that
    already holds exactly this model. Raises ValueError when fewer parameters are asked for than
    the dead layers alone bring.
    """
    weights_file = source / "model.safetensors"
    config = json.loads((source / "config.json").read_text())
    tensors = load_file(weights_file)
    shape = _shape(config, tensors, parameters)
    digest = hashlib.sha256(_RECIPE)
    for name in ("config.json", "model.safetensors", *_COPIED):
        digest.update(name.encode() + b"\0" + (source / name).read_bytes())
    recipe = {"source": digest.hexdigest(), **shape}
    if folder is None:
        key = hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:16]
        folder = cache_folder() / "pair" / key
    mark = folder / _MARK
    if mark.exists() and json.loads(mark.read_text()) == recipe:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    for name in _COPIED:
        shutil.copyfile(source / name, folder / name)
    wide = {n: _widened(n, tensor, shape["intermediate_size"]) for n, tensor in tensors.items()}
    for layer in range(config["num_hidden_layers"], LAYERS):
        wide |= _dead_layer(wide, layer)
    save_file(wide, folder / "model.safetensors", metadata={"format": "pt"})
    # The writer makes it private; an engine in a pod reads it as another user.
    (folder / "model.safetensors").chmod(0o644)
    (folder / "config.json").write_text(json.dumps(config | shape, indent=2) + "\n")
    mark.write_text(json.dumps(recipe) + "\n")
    return folder


def _shape(config: dict[str, int], tensors: Tensors, parameters: int) -> dict[str, int]:
    """Layers and MLP columns for this many parameters; columns in steps of 64."""
    first = {n: t for n, t in tensors.items() if n.startswith(_FIRST)}
    per_column = 3 * config["hidden_size"]
    one_layer = sum(t.size for t in first.values()) - per_column * config["intermediate_size"]
    fixed = sum(t.size for n, t in tensors.items() if ".layers." not in n) + LAYERS * one_layer
    columns = round((parameters - fixed) / (LAYERS * per_column) / 64) * 64
    if columns < config["intermediate_size"]:
        least = fixed + LAYERS * per_column * config["intermediate_size"]
        raise ValueError(
            f"{parameters} parameters are too few: at least {least} with {LAYERS} layers"
        )
    return {"num_hidden_layers": LAYERS, "intermediate_size": columns}


def _widened(name: str, tensor: NDArray[np.float16], mlp: int) -> NDArray[np.float16]:
    if name.endswith(("gate_proj.weight", "up_proj.weight")):
        return np.pad(tensor, ((0, mlp - tensor.shape[0]), (0, 0)))
    if name.endswith("down_proj.weight"):
        return np.pad(tensor, ((0, 0), (0, mlp - tensor.shape[1])))
    return tensor


def _dead_layer(tensors: Tensors, layer: int) -> Tensors:
    """A layer shaped as the first, all zero but its norms: it adds nothing to the residual."""
    return {
        f"model.layers.{layer}.{name.removeprefix(_FIRST)}": (
            np.ones_like(tensor) if "norm" in name else np.zeros_like(tensor)
        )
        for name, tensor in tensors.items()
        if name.startswith(_FIRST)
    }
