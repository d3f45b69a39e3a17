"""Keys and values in blocks: a request holds a list of blocks that need not lie side by side.

A token's place is its *slot*: block number times block size plus the place in the block. Target
and draft have a cache each and share the block numbers, so that one allocation serves both.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from tandem_runtime.contract.engines.torch_engine import BLOCK_TOKENS
from tandem_runtime.engine.transformer.model_config import ModelConfig


class KVCache:
    """One model's keys and values: by layer, (blocks, block tokens, kv heads, head dim)."""

    def __init__(
        self, config: ModelConfig, blocks: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        shape = (blocks, BLOCK_TOKENS, config.kv_heads, config.head_dim)
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in range(config.layers)]

    def write(
        self, layer: int, slots: torch.Tensor, keys: torch.Tensor, values: torch.Tensor
    ) -> None:
        """Put (tokens, kv heads, head dim) at the tokens' slots."""
        self.keys[layer].flatten(0, 1).index_copy_(0, slots, keys)
        self.values[layer].flatten(0, 1).index_copy_(0, slots, values)

    def read(self, layer: int, blocks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Of `blocks` (requests, blocks each): two of (requests, kv heads, tokens, head dim)."""
        return _gathered(self.keys[layer], blocks), _gathered(self.values[layer], blocks)


def _gathered(cache: torch.Tensor, blocks: torch.Tensor) -> torch.Tensor:
    requests, each = blocks.shape
    rows = cache.flatten(1).index_select(0, blocks.flatten())
    return rows.view(requests, each * BLOCK_TOKENS, *cache.shape[2:]).transpose(1, 2)


def bytes_per_block(config: ModelConfig, dtype: torch.dtype) -> int:
    """Memory of one block in one model's cache."""
    values = config.layers * BLOCK_TOKENS * config.kv_heads * config.head_dim
    return 2 * values * int(dtype.itemsize)


@dataclass
class BlockPool:
    """The free blocks. Its owner alone takes and returns them."""

    total: int

    def __post_init__(self) -> None:
        self._free = list(range(self.total - 1, -1, -1))

    @property
    def used(self) -> int:
        """Blocks that requests hold."""
        return self.total - len(self._free)

    @property
    def free(self) -> int:
        """Blocks that nobody holds."""
        return len(self._free)

    def grow(self, blocks: list[int], tokens: int) -> bool:
        """Lengthen a request's list until it holds `tokens`; False, and nothing taken, if short."""
        missing = blocks_for(tokens) - len(blocks)
        if missing > len(self._free):
            return False
        blocks.extend(self._free.pop() for _ in range(missing))
        return True

    def release(self, blocks: list[int]) -> None:
        """Take all blocks of a request back; its list is empty afterwards."""
        self._free.extend(reversed(blocks))
        blocks.clear()


def blocks_for(tokens: int) -> int:
    """Blocks that hold so many tokens."""
    return -(-tokens // BLOCK_TOKENS)
