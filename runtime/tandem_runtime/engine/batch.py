"""New tokens of many requests laid end to end: no request is padded to another's length.

The dense layers see one long row of tokens. Attention alone needs the requests' borders: those
with the same number of new tokens and contexts of like length form a group, and each group is one
call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tandem_runtime.contract.engines.torch_engine import BLOCK_TOKENS
from tandem_runtime.engine.kv_cache import blocks_for

_LIKE_BLOCKS = 4
"""Contexts within a factor of two, or within so many blocks, are padded to one length."""


@dataclass(frozen=True)
class Piece:
    """New tokens of one request; the first has position `start`. `blocks` hold all of them."""

    tokens: Sequence[int]
    start: int
    blocks: Sequence[int]

    @property
    def end(self) -> int:
        """Tokens of the request that are computed after this pass."""
        return self.start + len(self.tokens)


@dataclass(frozen=True)
class Group:
    """Requests with equally many new tokens: rows `first` to `last` (exclusive) of the batch.

    `blocks` is (requests, blocks each), `mask` (requests, 1, new tokens, context): 0 where a
    token may look, -inf where not.
    """

    first: int
    last: int
    queries: int
    blocks: torch.Tensor
    mask: torch.Tensor


@dataclass(frozen=True)
class Batch:
    """One pass. `ends` gives each piece's last row, in the order of the pieces."""

    tokens: torch.Tensor
    positions: torch.Tensor
    slots: torch.Tensor
    groups: tuple[Group, ...]
    ends: list[int]

    def rows(self, piece: int, count: int) -> range:
        """The last `count` rows of a piece."""
        end = self.ends[piece] + 1
        return range(end - count, end)


def lay_out(pieces: Sequence[Piece], dtype: torch.dtype, device: torch.device) -> Batch:
    """The batch of these pieces (at least one, none of them empty)."""
    order = sorted(range(len(pieces)), key=lambda i: (len(pieces[i].tokens), pieces[i].end))
    tokens: list[int] = []
    positions: list[int] = []
    slots: list[int] = []
    ends = [0] * len(pieces)
    groups: list[list[Piece]] = []
    for index in order:
        piece = pieces[index]
        tokens += piece.tokens
        positions += range(piece.start, piece.end)
        blocks = piece.blocks
        slots += [
            blocks[place // BLOCK_TOKENS] * BLOCK_TOKENS + place % BLOCK_TOKENS
            for place in range(piece.start, piece.end)
        ]
        ends[index] = len(tokens) - 1
        if groups and _alike(groups[-1][0], piece):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    placed = torch.tensor((tokens, positions, slots), device=device)
    made = []
    first = 0
    for group in groups:
        made.append(_group(group, first, placed[1], dtype))
        first = made[-1].last
    return Batch(placed[0], placed[1], placed[2], tuple(made), ends)


def _alike(one: Piece, other: Piece) -> bool:
    if len(one.tokens) != len(other.tokens):
        return False
    short, long = blocks_for(one.end), blocks_for(other.end)
    return long <= max(2 * short, short + _LIKE_BLOCKS)


def _group(pieces: list[Piece], first: int, positions: torch.Tensor, dtype: torch.dtype) -> Group:
    queries = len(pieces[0].tokens)
    last = first + queries * len(pieces)
    most = blocks_for(max(piece.end for piece in pieces))
    # Block 0 fills the shorter ones up; the mask keeps every token from looking there.
    tables = [[*piece.blocks[:most], *[0] * (most - len(piece.blocks))] for piece in pieces]
    device = positions.device
    context = torch.arange(most * BLOCK_TOKENS, device=device)
    hidden = context > positions[first:last, None]
    mask = torch.zeros(hidden.shape, dtype=dtype, device=device).masked_fill_(hidden, -torch.inf)
    return Group(
        first=first,
        last=last,
        queries=queries,
        blocks=torch.tensor(tables, device=device),
        mask=mask.view(len(pieces), 1, queries, -1),
    )
