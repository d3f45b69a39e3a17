"""Token batches for the trainings: documents as one long row, cut at random places."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from tokenizers import Tokenizer

from hack.pair.training.tokenizer import END_OF_TEXT_ID


def token_stream(tokenizer: Tokenizer, documents: Iterable[str]) -> torch.Tensor:
    """All documents' ids in one row, each followed by the end-of-text id."""
    ids: list[int] = []
    for encoding in tokenizer.encode_batch(list(documents)):
        ids += encoding.ids
        ids.append(END_OF_TEXT_ID)
    return torch.tensor(ids)


def random_windows(stream: torch.Tensor, rows: int, length: int, seed: int) -> torch.Tensor:
    """`rows` windows of the stream, shape (rows, length)."""
    starts = torch.randint(
        len(stream) - length, (rows,), generator=torch.Generator().manual_seed(seed)
    )
    return torch.stack([stream[start : start + length] for start in starts.tolist()])
