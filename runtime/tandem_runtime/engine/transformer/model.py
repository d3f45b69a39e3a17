"""The Llama family's forward pass over a ragged batch, with keys and values in blocks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from tandem_runtime.engine.batch import Batch, Group
from tandem_runtime.engine.kv_cache import KVCache
from tandem_runtime.engine.transformer.linear import Linear
from tandem_runtime.engine.transformer.model_config import ModelConfig
from tandem_runtime.engine.transformer.rope import frequencies, rotate


@dataclass(frozen=True)
class Layer:
    """Weights of one layer; queries, keys and values are one product, gate and up another."""

    input_norm: torch.Tensor
    qkv: Linear
    query_norm: torch.Tensor | None
    key_norm: torch.Tensor | None
    output: Linear
    mlp_norm: torch.Tensor
    gate_up: Linear
    down: Linear


class Model:
    """Weights and rotary tables on one device. Holds no request."""

    def __init__(
        self,
        config: ModelConfig,
        embedding: torch.Tensor,
        layers: tuple[Layer, ...],
        norm: torch.Tensor,
        head: Linear,
    ) -> None:
        self.config = config
        self.dtype: torch.dtype = embedding.dtype
        self.device: torch.device = embedding.device
        self._embedding = embedding
        self._layers = layers
        self._norm = norm
        self._head = head
        turns, factor = frequencies(config.rope, config.head_dim)
        angles = torch.outer(torch.arange(config.max_positions, dtype=torch.float32), turns)
        self._cosine = (angles.cos() * factor).to(self.device, self.dtype).unsqueeze(1)
        self._sine = (angles.sin() * factor).to(self.device, self.dtype).unsqueeze(1)
        self._gated = _gated

    def compile(self) -> None:
        """Let torch.compile fuse the activation of the MLP; needs a C++ compiler.

        Products on packed weights are none of its own, so they stay outside.
        """
        self._gated = torch.compile(_gated, dynamic=True)

    def hidden(self, batch: Batch, cache: KVCache, layers: int | None = None) -> torch.Tensor:
        """States after the first `layers` layers (None: all), (tokens, hidden size).

        Keys and values of those layers are written to `cache`.
        """
        states = self._embedding.index_select(0, batch.tokens)
        cosine = self._cosine.index_select(0, batch.positions)
        sine = self._sine.index_select(0, batch.positions)
        masks = [self._folded(group) for group in batch.groups]
        eps = self.config.norm_eps
        for index, layer in enumerate(self._layers[:layers]):
            normed = _norm(states, layer.input_norm, eps)
            queries, keys, values = self._projected(layer, normed, cosine, sine)
            cache.write(index, batch.slots, keys, values)
            attended = torch.empty_like(queries)
            for group, mask in zip(batch.groups, masks, strict=True):
                attended[group.first : group.last] = self._attention(
                    queries[group.first : group.last], group, mask, *cache.read(index, group.blocks)
                )
            states = states + layer.output(attended.flatten(1))
            gated = self._gated(layer.gate_up(_norm(states, layer.mlp_norm, eps)))
            states = states + layer.down(gated)
        return states

    def logits(self, states: torch.Tensor) -> torch.Tensor:
        """The head's answer to states of any layer, (rows, vocabulary), float32."""
        return self._head(_norm(states, self._norm, self.config.norm_eps)).float()

    def _projected(
        self, layer: Layer, normed: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        config = self.config
        heads = layer.qkv(normed).view(len(normed), -1, config.head_dim)
        turning = config.heads + config.kv_heads
        if layer.query_norm is None:
            turned = rotate(heads[:, :turning], cosine, sine)
        else:
            queries = _norm(heads[:, : config.heads], layer.query_norm, config.norm_eps)
            keys = _norm(heads[:, config.heads : turning], layer.key_norm, config.norm_eps)
            turned = rotate(torch.cat((queries, keys), dim=1), cosine, sine)
        return turned[:, : config.heads], turned[:, config.heads :], heads[:, turning:]

    def _folded(self, group: Group) -> torch.Tensor:
        """The mask for query heads that share a key head and so stand as more queries."""
        return group.mask.repeat(1, 1, self.config.heads // self.config.kv_heads, 1)

    def _attention(
        self,
        queries: torch.Tensor,
        group: Group,
        mask: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
    ) -> torch.Tensor:
        """Attention of one group; `queries` (rows, heads, head dim) and so the result."""
        config = self.config
        shared = config.heads // config.kv_heads
        folded = (
            queries.view(-1, group.queries, config.kv_heads, shared, config.head_dim)
            .permute(0, 2, 3, 1, 4)
            .flatten(2, 3)
        )
        attended = functional.scaled_dot_product_attention(folded, keys, values, attn_mask=mask)
        return (
            attended.unflatten(2, (shared, group.queries))
            .permute(0, 3, 1, 2, 4)
            .reshape_as(queries)
        )


def _norm(states: torch.Tensor, weight: torch.Tensor | None, eps: float) -> torch.Tensor:
    """Root mean square norm (arXiv 1910.07467) over the last dimension."""
    return functional.rms_norm(states, states.shape[-1:], weight, eps)


def _gated(both: torch.Tensor) -> torch.Tensor:
    gate, up = both.chunk(2, dim=-1)
    return functional.silu(gate) * up
