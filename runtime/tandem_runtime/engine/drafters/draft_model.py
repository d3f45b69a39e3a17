"""A second, smaller model with the same tokens, and a cache of its own on the same blocks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Listed

import torch

from tandem_runtime.engine.batch import Piece
from tandem_runtime.engine.drafters import autoregressive
from tandem_runtime.engine.drafters.drafter import Wish
from tandem_runtime.engine.kv_cache import KVCache
from tandem_runtime.engine.sequence import Sequence
from tandem_runtime.engine.transformer.model import Model
from tandem_runtime.engine.verification import NO_DRAFT, Draft


class DraftModel:
    """Catches up on what was given without it (prompts, steps at K = 0) when it is next asked."""

    def __init__(self, model: Model, cache: KVCache) -> None:
        self._model = model
        self._cache = cache

    def propose(self, wishes: Listed[Wish], budget: int) -> list[Draft]:
        """As `Drafter.propose`; a request that the budget leaves behind drafts at a later step."""
        drafts = dict.fromkeys(range(len(wishes)), NO_DRAFT)
        ready, ready_pieces, behind_pieces = [], [], []
        # The nearest first: one long prompt must not keep the others from drafting.
        for index in sorted(drafts, key=lambda i: _behind(wishes[i].sequence)):
            sequence = wishes[index].sequence
            count = min(_behind(sequence), budget)
            if count <= 0:
                break
            budget -= count
            start, sequence.drafted = sequence.drafted, sequence.drafted + count
            piece = Piece(sequence.tokens[start : start + count], start, sequence.blocks)
            if sequence.drafted == len(sequence.tokens):
                ready.append(index)
                ready_pieces.append(piece)
            else:
                behind_pieces.append(piece)
        if ready:
            made = autoregressive.chain(
                self._step(behind_pieces), [wishes[index] for index in ready], ready_pieces
            )
            drafts.update(zip(ready, made, strict=True))
        elif behind_pieces:
            autoregressive.run(self._model, self._cache, None, behind_pieces)
        return list(drafts.values())

    def accepted(self, sequence: Sequence, drafted: int, stayed: int) -> None:
        """The last drafted token was never run, so its keys and values are missing."""
        if drafted:
            sequence.drafted += min(stayed, drafted - 1)

    def _step(self, behind: list[Piece]) -> Callable[[list[Piece]], torch.Tensor]:
        """One pass of the draft; those that only catch up ride along in the first."""

        def step(pieces: list[Piece]) -> torch.Tensor:
            every = [*pieces, *behind]
            behind.clear()
            return autoregressive.run(self._model, self._cache, None, every)[: len(pieces)]

        return step


def _behind(sequence: Sequence) -> int:
    return len(sequence.tokens) - sequence.drafted
