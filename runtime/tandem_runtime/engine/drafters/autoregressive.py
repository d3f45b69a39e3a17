"""Drafting by a model, token after token, for all requests at once.

Greedy requests get the draft's likeliest tokens. Sampled ones get tokens drawn from the draft's
distribution under the request's own parameters, and the verification is told that distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Listed

import torch

from tandem_runtime.engine.batch import Piece, lay_out
from tandem_runtime.engine.drafters.drafter import Wish
from tandem_runtime.engine.kv_cache import KVCache
from tandem_runtime.engine.sampling import adjust, adjusts, distribution, draw
from tandem_runtime.engine.transformer.model import Model
from tandem_runtime.engine.verification import Draft


def run(
    model: Model,
    cache: KVCache,
    layers: int | None,
    pieces: list[Piece],
) -> torch.Tensor:
    """Logits after the last token of each piece, from the first `layers` layers."""
    batch = lay_out(pieces, model.dtype, model.device)
    states = model.hidden(batch, cache, layers)
    return model.logits(states if len(batch.ends) == len(states) == 1 else states[batch.ends])


def chain(
    step: Callable[[list[Piece]], torch.Tensor], wishes: Listed[Wish], first: list[Piece]
) -> list[Draft]:
    """Drafts from `step`, which gives the logits after pieces; `first` are the pieces to begin."""
    drafts = [_Chain(wish) for wish in wishes]
    pieces = first
    running = drafts
    while running:
        logits = step(pieces)
        _extend(logits, running)
        running = [draft for draft in running if len(draft.tokens) < draft.wish.tokens]
        pieces = [draft.next_piece() for draft in running]
    return [draft.finished() for draft in drafts]


class _Chain:
    """One request's draft as it grows."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.tokens: list[int] = []
        self.chances: list[torch.Tensor] = []

    def next_piece(self) -> Piece:
        sequence = self.wish.sequence
        place = len(sequence.tokens) + len(self.tokens) - 1
        return Piece(self.tokens[-1:], place, sequence.blocks)

    def finished(self) -> Draft:
        return Draft(self.tokens, torch.stack(self.chances) if self.chances else None)


def _extend(logits: torch.Tensor, drafts: list[_Chain]) -> None:
    """One more token for each draft from its row."""
    for row, draft in enumerate(drafts):
        sequence = draft.wish.sequence
        if adjusts(sequence):
            # The row after all of the draft: the others' places are filled with copies.
            rows = logits[row].repeat(len(draft.tokens) + 1, 1)
            adjust(rows, sequence, draft.tokens)
            logits[row] = rows[-1]
    sampled = [row for row, draft in enumerate(drafts) if not draft.wish.sequence.params.greedy]
    if len(sampled) < len(drafts):
        for draft, token in zip(drafts, logits.argmax(-1).tolist(), strict=True):
            if draft.wish.sequence.params.greedy:
                draft.tokens.append(token)
    if sampled:
        owners = [drafts[row].wish.sequence for row in sampled]
        chances = distribution(logits[sampled], [owner.params for owner in owners])
        tokens = draw(chances, [owner.random.random() for owner in owners])
        for row, token, chance in zip(sampled, tokens, chances, strict=True):
            drafts[row].tokens.append(token)
            drafts[row].chances.append(chance)
