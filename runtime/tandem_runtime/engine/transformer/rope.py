"""Rotary position embedding: frequencies by kind of scaling, and the rotation itself.

Formulas: RoFormer (arXiv 2104.09864); "llama3" as published with Llama 3.1; YaRN (arXiv
2309.00071), section 3.
"""

from __future__ import annotations

import math
from typing import Any

import torch


def frequencies(rope: dict[str, Any], head_dim: int) -> tuple[torch.Tensor, float]:
    """Radians a position, shape (head_dim / 2,), float32, and the factor on cosine and sine."""
    exponents = torch.arange(0, head_dim, 2, dtype=torch.float32) / head_dim
    plain = 1.0 / rope["rope_theta"] ** exponents
    match rope["rope_type"]:
        case "linear":
            return plain / rope["factor"], 1.0
        case "llama3":
            return _llama3(plain, rope), 1.0
        case "yarn":
            return _yarn(plain, rope, head_dim)
        case _:
            return plain, 1.0


def _llama3(plain: torch.Tensor, rope: dict[str, Any]) -> torch.Tensor:
    """Long waves are slowed by `factor`, short ones kept, those between blended."""
    factor, low, high = rope["factor"], rope["low_freq_factor"], rope["high_freq_factor"]
    turns = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    blend = ((turns - low) / (high - low)).clamp(0.0, 1.0)
    return (1 - blend) * plain / factor + blend * plain


def _yarn(plain: torch.Tensor, rope: dict[str, Any], head_dim: int) -> tuple[torch.Tensor, float]:
    """As llama3, blended by the index of the dimension; attention gets a temperature."""
    original = rope.get("original_max_position_embeddings") or rope["max_position_embeddings"]
    factor = rope.get("factor") or rope["max_position_embeddings"] / original

    def dimension(turns: float) -> float:
        """The dimension whose wave turns so often within the original context."""
        span = math.log(original / (turns * 2 * math.pi))
        return head_dim * span / (2 * math.log(rope["rope_theta"]))

    first, last = dimension(rope.get("beta_fast") or 32), dimension(rope.get("beta_slow") or 1)
    if rope.get("truncate", True):
        first, last = math.floor(first), math.ceil(last)
    first, last = max(first, 0), min(last, head_dim - 1)
    index = torch.arange(head_dim // 2, dtype=torch.float32)
    slowed = ((index - first) / max(last - first, 0.001)).clamp(0.0, 1.0)
    return slowed * plain / factor + (1 - slowed) * plain, _yarn_attention(rope, factor)


def _yarn_attention(rope: dict[str, Any], factor: float) -> float:
    given = rope.get("attention_factor")
    if given is not None:
        return float(given)
    scale, all_dims = rope.get("mscale"), rope.get("mscale_all_dim")
    if scale and all_dims:
        return _mscale(factor, scale) / _mscale(factor, all_dims)
    return _mscale(factor, 1.0)


def _mscale(factor: float, scale: float) -> float:
    return 0.1 * scale * math.log(factor) + 1.0 if factor > 1 else 1.0


def rotate(heads: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """`heads` (tokens, heads, head_dim) turned; cosine and sine are (tokens, 1, head_dim / 2)."""
    left, right = heads.chunk(2, dim=-1)
    return torch.cat((left * cosine - right * sine, right * cosine + left * sine), dim=-1)
