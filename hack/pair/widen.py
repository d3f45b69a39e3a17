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

Tensors = dict[str, NDArray[np.float16]]

_MARK = "widened.json"
_COPIED = ("generation_config.json", "tokenizer.json", "tokenizer_config.json")


def widen(source: Path, folder: Path, layers: int, mlp: int) -> None:
    """Write the model in `source` with `layers` layers and an MLP of `mlp` columns to `folder`.

    Does nothing when the folder already holds exactly that. Raises ValueError when the size asked
    for is smaller than the model's own.
    """
    weights_file = source / "model.safetensors"
    recipe = {
        "source": hashlib.sha256(weights_file.read_bytes()).hexdigest(),
        "layers": layers,
        "mlp": mlp,
    }
    mark = folder / _MARK
    if mark.exists() and json.loads(mark.read_text()) == recipe:
        return
    config = json.loads((source / "config.json").read_text())
    if layers < config["num_hidden_layers"] or mlp < config["intermediate_size"]:
        raise ValueError(
            f"{source} has {config['num_hidden_layers']} layers and an MLP of "
            f"{config['intermediate_size']}: it can only be made bigger than that"
        )
    folder.mkdir(parents=True, exist_ok=True)
    mark.unlink(missing_ok=True)
    for name in _COPIED:
        shutil.copyfile(source / name, folder / name)
    tensors = {name: _widened(name, t, mlp) for name, t in load_file(weights_file).items()}
    for layer in range(config["num_hidden_layers"], layers):
        tensors |= _dead_layer(tensors, layer)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    config |= {"num_hidden_layers": layers, "intermediate_size": mlp}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    mark.write_text(json.dumps(recipe) + "\n")


def _widened(name: str, tensor: NDArray[np.float16], mlp: int) -> NDArray[np.float16]:
    if name.endswith(("gate_proj.weight", "up_proj.weight")):
        return np.pad(tensor, ((0, mlp - tensor.shape[0]), (0, 0)))
    if name.endswith("down_proj.weight"):
        return np.pad(tensor, ((0, 0), (0, mlp - tensor.shape[1])))
    return tensor


def _dead_layer(tensors: Tensors, layer: int) -> Tensors:
    """A layer shaped as the first, all zero but its norms: it adds nothing to the residual."""
    prefix = "model.layers.0."
    return {
        f"model.layers.{layer}.{name.removeprefix(prefix)}": (
            np.ones_like(tensor) if "norm" in name else np.zeros_like(tensor)
        )
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
