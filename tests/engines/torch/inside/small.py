"""A target of six tokens whose distributions are known, with drafts near to it and far from it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

VOCABULARY = 6
_SIZES = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}


def write_model(folder: Path, seed: int, near: Path | None = None, noise: float = 0.0) -> Path:
    """Random weights, or those of the model `near` with noise on them."""
    folder.mkdir()
    config = {
        "architectures": ["LlamaForCausalLM"], "vocab_size": VOCABULARY, **_SIZES,
        "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 8,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    generator = torch.Generator().manual_seed(seed)
    if near is not None:
        from safetensors.torch import load_file

        tensors = {
            name: tensor + noise * torch.randn(tensor.shape, generator=generator)
            for name, tensor in load_file(near / "model.safetensors").items()
        }
    else:
        tensors = {
            name: torch.randn(shape, generator=generator) * 0.5 for name, shape in _shapes().items()
        }
    save_file(tensors, folder / "model.safetensors")
    return folder


def _shapes() -> dict[str, tuple[int, ...]]:
    hidden, mlp = _SIZES["hidden_size"], _SIZES["intermediate_size"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (VOCABULARY, hidden),
        "lm_head.weight": (VOCABULARY, hidden),
        "model.norm.weight": (hidden,),
    }
    for layer in range(_SIZES["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        shapes |= {
            f"{at}.input_layernorm.weight": (hidden,),
            f"{at}.post_attention_layernorm.weight": (hidden,),
            f"{at}.self_attn.q_proj.weight": (16, hidden),
            f"{at}.self_attn.k_proj.weight": (8, hidden),
            f"{at}.self_attn.v_proj.weight": (8, hidden),
            f"{at}.self_attn.o_proj.weight": (hidden, 16),
            f"{at}.mlp.gate_proj.weight": (mlp, hidden),
            f"{at}.mlp.up_proj.weight": (mlp, hidden),
            f"{at}.mlp.down_proj.weight": (hidden, mlp),
        }
    return shapes
