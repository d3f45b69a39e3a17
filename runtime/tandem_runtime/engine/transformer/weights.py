"""Reads safetensors by memory map into a `Model`: no file is held twice in memory."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from safetensors import safe_open

from tandem_runtime.engine.transformer.linear import Linear
from tandem_runtime.engine.transformer.model import Layer, Model
from tandem_runtime.engine.transformer.model_config import (
    ModelConfig,
    UnsupportedModelError,
    read,
)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_SINGLE = "model.safetensors"
_INDEX = "model.safetensors.index.json"


def load(folder: Path, dtype: torch.dtype, device: torch.device) -> Model:
    """The model in `folder`. Raises UnsupportedModelError when a tensor is missing or misshapen."""
    config = read(folder)
    with _Tensors(folder, dtype, device) as tensors:
        embedding = tensors["model.embed_tokens.weight"]
        if tuple(embedding.shape) != (config.vocab_size, config.hidden_size):
            raise UnsupportedModelError(
                f"{folder}: the embedding is {tuple(embedding.shape)}; config.json says "
                f"{(config.vocab_size, config.hidden_size)}"
            )
        head = embedding if config.tied else tensors["lm_head.weight"]
        return Model(
            config,
            embedding,
            tuple(_layer(tensors, config, index) for index in range(config.layers)),
            tensors["model.norm.weight"],
            Linear(head),
        )


def _layer(tensors: _Tensors, config: ModelConfig, index: int) -> Layer:
    at = f"model.layers.{index}"
    attention, mlp = f"{at}.self_attn", f"{at}.mlp"
    return Layer(
        input_norm=tensors[f"{at}.input_layernorm.weight"],
        qkv=_joined(tensors, [f"{attention}.{name}_proj" for name in "qkv"]),
        query_norm=tensors.optional(f"{attention}.q_norm.weight"),
        key_norm=tensors.optional(f"{attention}.k_norm.weight"),
        output=_joined(tensors, [f"{attention}.o_proj"]),
        mlp_norm=tensors[f"{at}.post_attention_layernorm.weight"],
        gate_up=_joined(tensors, [f"{mlp}.gate_proj", f"{mlp}.up_proj"]),
        down=_joined(tensors, [f"{mlp}.down_proj"]),
    )


def _joined(tensors: _Tensors, names: list[str]) -> Linear:
    """Several projections of one input as a single product."""
    weights = [tensors[f"{name}.weight"] for name in names]
    biases = [tensors.optional(f"{name}.bias") for name in names]
    biased = all(bias is not None for bias in biases)
    return Linear(torch.cat(weights), torch.cat(biases) if biased else None)


class _Tensors:
    """The tensors of all files of a folder by name, as the engine's dtype on its device."""

    def __init__(self, folder: Path, dtype: torch.dtype, device: torch.device) -> None:
        self._folder = folder
        self._dtype = dtype
        self._device = device
        self._stack = ExitStack()
        self._at: dict[str, Any] = {}
        index = folder / _INDEX
        if index.exists():
            names = sorted(set(json.loads(index.read_text())["weight_map"].values()))
        else:
            names = [_SINGLE]
        for name in names:
            file = self._stack.enter_context(safe_open(folder / name, framework="pt"))
            self._at |= dict.fromkeys(file.keys(), file)

    def __getitem__(self, name: str) -> torch.Tensor:
        tensor = self.optional(name)
        if tensor is None:
            raise UnsupportedModelError(f"{self._folder}: no tensor {name} in its safetensors")
        return tensor

    def optional(self, name: str) -> torch.Tensor | None:
        """The tensor, or None where the files have none of this name."""
        file = self._at.get(name)
        return None if file is None else file.get_tensor(name).to(self._device, self._dtype)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
