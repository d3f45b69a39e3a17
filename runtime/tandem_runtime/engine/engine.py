"""One step after another: draft, verify, give, retire."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Listed
from typing import NamedTuple

import torch

from tandem_runtime.engine.batch import Piece, lay_out
from tandem_runtime.engine.depth import Depth
from tandem_runtime.engine.drafters.drafter import Drafter, Wish
from tandem_runtime.engine.kv_cache import BlockPool, KVCache
from tandem_runtime.engine.scheduler import Chunk, Scheduler
from tandem_runtime.engine.sequence import Sequence, TokenLogprobs
from tandem_runtime.engine.settings import Settings
from tandem_runtime.engine.transformer.model import Model
from tandem_runtime.engine.verification import NO_DRAFT, Draft, Verdict, verify
from tandem_runtime.plugin.table.plan import Plan


class RequestTooLongError(ValueError):
    """A request that this engine could never finish."""


class Output(NamedTuple):
    """What one step gave one request; `finish_reason` is set with its last tokens."""

    sequence: Sequence
    tokens: list[int]
    logprobs: list[TokenLogprobs] | None
    finish_reason: str | None


class StepOutput(NamedTuple):
    """What one step did; `drafts` of the decoding requests in the order of `accepted`."""

    outputs: list[Output]
    seconds: float
    prefill_tokens: int
    drafted: list[int]
    accepted: list[int]


class Engine:
    """A target, perhaps a drafter, and the requests that they serve. Not safe for threads."""

    def __init__(
        self,
        settings: Settings,
        target: Model,
        cache: KVCache,
        drafter: Drafter | None,
        depth: Depth,
        newest_plan: Callable[[], Plan | None] = lambda: None,
    ) -> None:
        """`newest_plan` gives the plan of the last good table; None before the first."""
        self.settings = settings
        self.pool = BlockPool(settings.blocks)
        self.scheduler = Scheduler(settings, self.pool)
        self.depth = depth
        self._target = target
        self._cache = cache
        self._drafter = drafter
        self._newest_plan = newest_plan

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self.scheduler.running or self.scheduler.waiting)

    def add(self, sequence: Sequence) -> None:
        """Take a request in. Raises RequestTooLongError."""
        most = self.settings.max_model_tokens
        if sequence.prompt_tokens + sequence.params.max_tokens > most:
            raise RequestTooLongError(
                f"{sequence.prompt_tokens} prompt tokens and max_tokens "
                f"{sequence.params.max_tokens} are more than this model's {most} tokens"
            )
        self.depth.arrived(sequence)
        self.scheduler.waiting.append(sequence)

    def cancel(self, sequence: Sequence) -> None:
        """Nobody wants the rest: the blocks are free at once."""
        self.scheduler.remove(sequence)
        if not self.scheduler.running:
            self.depth.rest()

    def step(self) -> StepOutput:
        """Run every request that can run once; with none, do nothing."""
        if not self.busy:
            return StepOutput([], 0.0, 0, [], [])
        with torch.inference_mode():
            return self._step()

    def _step(self) -> StepOutput:
        self.depth.begin(self._newest_plan())
        decoding, chunks = self.scheduler.next_step()
        tokens = self.depth.choose(decoding, chunks)
        drafts = self._drafts(decoding, tokens) if tokens else [NO_DRAFT] * len(decoding)
        finishing = [c.sequence for c in chunks if c.tokens == c.sequence.pending]
        sequences = [*decoding, *finishing]
        drafts += [NO_DRAFT] * len(finishing)
        logits = self._verifying_pass(decoding, drafts, chunks)
        verdicts = verify(logits, sequences, drafts) if sequences else []
        for chunk in chunks:
            chunk.sequence.computed += chunk.tokens
        outputs = [
            self._give(sequence, draft, verdict)
            for sequence, draft, verdict in zip(sequences, drafts, verdicts, strict=True)
        ]
        running = self.scheduler.running
        seconds = self.depth.ended(tokens, decoding, drafts, chunks, verdicts, running)
        return StepOutput(
            outputs,
            seconds,
            sum(chunk.tokens for chunk in chunks),
            [len(draft.tokens) for draft in drafts if draft.tokens],
            [len(v.tokens) - 1 for v, d in zip(verdicts, drafts, strict=True) if d.tokens],
        )

    def _drafts(self, decoding: Listed[Sequence], tokens: int) -> list[Draft]:
        """A draft for each request, empty where it may have none or there are no blocks."""
        assert self._drafter is not None  # K is 0 without one
        drafts = dict.fromkeys(range(len(decoding)), NO_DRAFT)
        places, wishes = [], []
        for place, sequence in enumerate(decoding):
            count = min(self.depth.cap(sequence, tokens), sequence.remaining - 1)
            if count > 0 and self.pool.grow(sequence.blocks, len(sequence.tokens) + count):
                places.append(place)
                wishes.append(Wish(sequence, count))
        if wishes:
            made = self._drafter.propose(wishes, self.settings.max_batch_tokens)
            drafts.update(zip(places, made, strict=True))
        for place, wish in zip(places, wishes, strict=True):
            grammar = wish.sequence.grammar
            if grammar is not None:
                draft = drafts[place]
                drafts[place] = draft.cut(len(grammar.allowed_prefix(draft.tokens)))
        return list(drafts.values())

    def _verifying_pass(
        self, decoding: Listed[Sequence], drafts: Listed[Draft], chunks: Listed[Chunk]
    ) -> torch.Tensor:
        """The target's logits: for each draft its rows and one more, one row a finished prompt."""
        pieces = [
            Piece([sequence.tokens[-1], *draft.tokens], sequence.computed, sequence.blocks)
            for sequence, draft in zip(decoding, drafts, strict=False)
        ]
        rows = [len(piece.tokens) for piece in pieces]
        for sequence, count in chunks:
            start = sequence.computed
            pieces.append(Piece(sequence.tokens[start : start + count], start, sequence.blocks))
            rows.append(1 if count == sequence.pending else 0)
        batch = lay_out(pieces, self._target.dtype, self._target.device)
        states = self._target.hidden(batch, self._cache)
        wanted = [row for piece, count in enumerate(rows) for row in batch.rows(piece, count)]
        return self._target.logits(states[wanted])

    def _give(self, sequence: Sequence, draft: Draft, verdict: Verdict) -> Output:
        """Hand a request its tokens, roll back what was rejected, retire it when it is over."""
        stayed = len(verdict.tokens) - 1
        given = []
        reason = None
        for token in verdict.tokens:
            given.append(token)
            sequence.tokens.append(token)
            if sequence.grammar is not None:
                sequence.grammar.advance(token)
            reason = sequence.finish_reason()
            if reason is not None:
                break
        # A request that decoded had its newest token and the drafts that stayed computed.
        sequence.computed = len(sequence.tokens) - 1
        if self._drafter is not None:
            self._drafter.accepted(sequence, len(draft.tokens), stayed)
        if reason is not None:
            self.scheduler.remove(sequence)
        logprobs = None if verdict.logprobs is None else verdict.logprobs[: len(given)]
        return Output(sequence, given, logprobs, reason)
