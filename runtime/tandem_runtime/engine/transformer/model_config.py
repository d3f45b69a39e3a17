"""What a model's config.json says, as far as this engine computes it.

Whatever would change the result and is not computed here is refused by name: a model must never
be served wrongly.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tandem_runtime.contract.torch_engine import ARCHITECTURES, ROPE_TYPES


class UnsupportedModelError(Exception):
    """The model's files ask for something that this engine does not compute."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes in elements; `rope` is the config's own rotary parameters with `rope_theta` in it."""

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
        max_positions=config["max_position_embeddings"],
        tied=config.get("tie_word_embeddings", False),
        rope=_rope(config),
        eos_ids=_eos_ids(folder, config),
    )


def _refuse_unlike(config: dict[str, Any], folder: Path) -> None:
    """Refuse settings of a known architecture that change what it computes."""
    sliding = config.get("sliding_window") and config.get("use_sliding_window", True)
    unlike = {
        "hidden_act": (config.get("hidden_act", "silu"), "silu"),
        "sliding_window": (config["sliding_window"] if sliding else None, None),
        "quantization_config": (config.get("quantization_config"), None),
        "rope_type": (_rope(config)["rope_type"] in ROPE_TYPES, True),
        "partial_rotary_factor": (_rope(config).get("partial_rotary_factor", 1.0), 1.0),
    }
    for key, (found, wanted) in unlike.items():
        if found != wanted:
            shown = _rope(config)["rope_type"] if key == "rope_type" else found
            raise UnsupportedModelError(
                f"{folder / 'config.json'}: {key} {str(shown)[:80]} is not computed by this "
                "engine; serve the model with vLLM"
            )


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    """Rotary parameters, wherever this version of the format keeps them."""
    rope = dict(config.get("rope_parameters") or config.get("rope_scaling") or {})
    rope.setdefault("rope_theta", config.get("rope_theta", 10000.0))
    rope["rope_type"] = rope.get("rope_type") or rope.get("type") or "default"
    if "partial_rotary_factor" in config:
        rope.setdefault("partial_rotary_factor", config["partial_rotary_factor"])
    rope.setdefault("max_position_embeddings", config["max_position_embeddings"])
    return rope


def _eos_ids(folder: Path, config: dict[str, Any]) -> tuple[int, ...]:
    """The generation config's ends of text win over the model config's."""
    path = folder / "generation_config.json"
    generation = json.loads(path.read_text()) if path.exists() else {}
    found = generation.get("eos_token_id", config.get("eos_token_id"))
    if found is None:
        return ()
    return tuple(found) if isinstance(found, list) else (found,)
