"""Who runs in the next step: admission, chunks of prompts, and what happens without free blocks.

Requests that decode always run. Prompts get what the token budget leaves, the oldest first. A
request is admitted when the pool holds all of its tokens; when decoding requests outgrow the pool,
the newest request gives its blocks back and waits at the head of the queue to be computed again.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from tandem_runtime.engine.kv_cache import BlockPool, blocks_for
from tandem_runtime.engine.sequence import Sequence
from tandem_runtime.engine.settings import Settings


class Chunk(NamedTuple):
    """The next `tokens` tokens of a request whose prompt is not computed yet."""

    sequence: Sequence
    tokens: int


class Scheduler:
    """The waiting and the running requests, oldest first in both."""

    def __init__(self, settings: Settings, pool: BlockPool) -> None:
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.preemptions = 0
        self._settings = settings
        self._pool = pool

    def next_step(self) -> tuple[list[Sequence], list[Chunk]]:
        """The requests that decode, each with a block for its newest token, and the chunks."""
        for sequence in [s for s in self.running if s.decoding]:
            while sequence.blocks and not self._pool.grow(sequence.blocks, len(sequence.tokens)):
                self._preempt(self.running[-1])
        decoding = [sequence for sequence in self.running if sequence.decoding]
        # Room for the deepest drafts is kept before K is known: K may depend on the chunks.
        budget = self._settings.max_batch_tokens
        budget -= len(decoding) * (1 + self._settings.max_tokens)
        chunks = []
        for sequence in self.running:
            if not sequence.decoding and budget > 0:
                chunks.append(Chunk(sequence, min(sequence.pending, budget)))
                budget -= chunks[-1].tokens
        while budget > 0 and self._admissible():
            sequence = self.waiting.popleft()
            self._pool.grow(sequence.blocks, len(sequence.tokens))
            self.running.append(sequence)
            chunks.append(Chunk(sequence, min(sequence.pending, budget)))
            budget -= chunks[-1].tokens
        return decoding, chunks

    def remove(self, sequence: Sequence) -> None:
        """The request is over or cancelled: its blocks are free at once."""
        self._pool.release(sequence.blocks)
        if sequence in self.running:
            self.running.remove(sequence)
        elif sequence in self.waiting:
            self.waiting.remove(sequence)

    def _admissible(self) -> bool:
        if not self.waiting or len(self.running) >= self._settings.max_requests:
            return False
        # A block more for each that runs, lest it be preempted a moment later.
        needed = blocks_for(len(self.waiting[0].tokens))
        return self._pool.free >= needed + len(self.running)

    def _preempt(self, sequence: Sequence) -> None:
        self._pool.release(sequence.blocks)
        sequence.computed = sequence.drafted = 0
        self.running.remove(sequence)
        self.waiting.appendleft(sequence)
        self.preemptions += 1
