"""One client's answers while they are made: outputs of the engine become pieces of text."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from tandem_runtime.engine.engine import Output
from tandem_runtime.engine.sequence import Sequence, TokenLogprobs
from tandem_runtime.engine.server.metrics import Metrics
from tandem_runtime.engine.server.openai.errors import ApiError
from tandem_runtime.engine.server.tokenizing import Reader
from tandem_runtime.engine.server.worker import Worker


@dataclass
class Piece:
    """What one step adds to the choice `index`; `finish_reason` with the last one."""

    index: int
    text: str
    tokens: list[int]
    logprobs: list[TokenLogprobs]
    finish_reason: str | None


@dataclass
class Answer:
    """One choice as a whole; `offsets` are those of each token in the text."""

    text: str = ""
    tokens: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    finish_reason: str | None = None

    def add(self, piece: Piece) -> None:
        """The next piece of this choice."""
        self.text += piece.text
        self.tokens += piece.tokens
        self.logprobs += piece.logprobs
        self.finish_reason = piece.finish_reason


class Generation:
    """The choices of one request. Leaving `pieces` early cancels what still runs."""

    def __init__(
        self, worker: Worker, metrics: Metrics, choices: list[tuple[Sequence, Reader]]
    ) -> None:
        self._worker = worker
        self._metrics = metrics
        self._choices = choices

    async def pieces(self) -> AsyncIterator[Piece]:
        """All choices' pieces as they come. Raises ApiError when the engine fails."""
        listener: asyncio.Queue[Output] = asyncio.Queue()
        started_s = time.perf_counter()
        last_s = dict.fromkeys(range(len(self._choices)), started_s)
        first_s: dict[int, float] = {}
        counts = dict.fromkeys(last_s, 0)
        places = {sequence: place for place, (sequence, _) in enumerate(self._choices)}
        for sequence in places:
            self._worker.submit(sequence, listener)
        try:
            while last_s:
                output = await listener.get()
                place = places[output.sequence]
                if place not in last_s:
                    continue  # stopped by its text; the step that ran still gave it tokens
                if output.finish_reason == "error":
                    raise ApiError(500, "the engine has failed; the pod restarts")
                now_s = time.perf_counter()
                if place in first_s:
                    self._metrics.inter_token.observe(now_s - last_s[place])
                else:
                    first_s[place] = now_s
                    self._metrics.first_token.observe(now_s - started_s)
                last_s[place] = now_s
                piece = self._read(place, output)
                counts[place] += len(piece.tokens)
                if piece.finish_reason is not None:
                    del last_s[place]
                    self._worker.cancel(output.sequence)
                    self._metrics.finished(piece.finish_reason)
                    self._metrics.end_to_end.observe(now_s - started_s)
                    if counts[place] > 1:
                        mean_s = (now_s - first_s[place]) / (counts[place] - 1)
                        self._metrics.per_output_token.observe(mean_s)
                yield piece
        finally:
            for sequence in places:
                self._worker.cancel(sequence)

    def _read(self, place: int, output: Output) -> Piece:
        sequence, reader = self._choices[place]
        texts, count = [], 0
        for token in output.tokens:
            count += 1
            # The token that ends an answer is no part of its text.
            if token not in sequence.params.stop_ids:
                texts.append(reader.read(token))
            if reader.stopped:
                break
        reason = "stop" if reader.stopped else output.finish_reason
        if reason is not None and not reader.stopped:
            texts.append(reader.end())
        logprobs = list(itertools.islice(output.logprobs or (), count))
        return Piece(place, "".join(texts), output.tokens[:count], logprobs, reason)
