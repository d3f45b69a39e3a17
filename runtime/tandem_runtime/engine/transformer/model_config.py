"""What a model's config.json says, as far as this engine computes it.

Whatever would change the result and is not computed here is refused by name: a model must never
be served wrongly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tandem_runtime.contract.engines import attention
from tandem_runtime.contract.engines.torch_engine import (
    ACTIVATIONS,
    ARCHITECTURES,
    ROPE_TYPES,
)


class UnsupportedModelError(Exception):
    """The model's files ask for something that this engine does not compute."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes in elements; `rope` is the config's own rotary parameters with `rope_theta` in it.

    `sliding_window`: texts up to so many tokens are computed rightly, None: of any length.
    """

    architecture: str
    vocab_size: int
    hidden_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    norm_eps: float
    max_positions: int
    tied: bool
    rope: dict[str, Any]
    sliding_window: int | None
    eos_ids: tuple[int, ...]


def read(folder: Path) -> ModelConfig:
    """The configuration of the model in `folder`. Raises UnsupportedModelError, OSError."""
    config = json.loads((folder / "config.json").read_text())
    names = config.get("architectures") or ["nothing"]
    if names[0] not in ARCHITECTURES:
        raise UnsupportedModelError(
            f"{folder / 'config.json'}: architecture {names[0]} is not one of "
            f"{', '.join(ARCHITECTURES)}; serve it with vLLM"
        )
    _refuse_unlike(config, folder)
    rope = _rope(config)
    heads = config["num_attention_heads"]
    return ModelConfig(
        architecture=names[0],
        vocab_size=config["vocab_size"],
        hidden_size=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=heads,
        kv_heads=config.get("num_key_value_heads") or heads,
        head_dim=config.get("head_dim") or config["hidden_size"] // heads,
        norm_eps=config.get("rms_norm_eps", 1e-6),
        max_positions=_positions(config["max_position_embeddings"], rope),
        tied=config.get("tie_word_embeddings", False),
        rope=rope,
        sliding_window=attention.sliding_window(config),
        eos_ids=_eos_ids(folder, config),
    )


def _refuse_unlike(config: dict[str, Any], folder: Path) -> None:
    """Refuse settings of a known architecture that change what it computes."""
    kind, share = attention.rope(config)["rope_type"], attention.rotary_share(config)
    activation = config.get("hidden_act") or ACTIVATIONS[0]
    unlike = {
        "hidden_act": (activation, activation in ACTIVATIONS),
        "quantization_config": (
            config.get("quantization_config"),
            not config.get("quantization_config"),
        ),
        "rope_type": (kind, kind in ROPE_TYPES),
        "partial_rotary_factor": (share, share == 1.0),
    }
    for key, (declared, computed) in unlike.items():
        if not computed:
            raise UnsupportedModelError(
                f"{folder / 'config.json'}: {key} {str(declared)[:80]} is not computed by this "
                "engine; serve the model with vLLM"
            )


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    rope = attention.rope(config)
    rope.setdefault("rope_theta", config.get("rope_theta", 10000.0))
    rope.setdefault("max_position_embeddings", config["max_position_embeddings"])
    return rope


def _positions(stated: int, rope: dict[str, Any]) -> int:
    """Linear scaling stretches the context that is stated; the other kinds state the stretched."""
    return int(stated * rope["factor"]) if rope["rope_type"] == "linear" else stated


def _eos_ids(folder: Path, config: dict[str, Any]) -> tuple[int, ...]:
    """The generation config's ends of text win over the model config's."""
    path = folder / "generation_config.json"
    generation = json.loads(path.read_text()) if path.exists() else {}
    ids = generation.get("eos_token_id", config.get("eos_token_id"))
    if ids is None:
        return ()
    return tuple(ids) if isinstance(ids, list) else (ids,)
