"""Answers to one Triton request: pieces of text as they come, one whole text, or a table."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from tandem_runtime.contract.fields import ContractError
from tandem_runtime.contract.table import TableError
from tandem_runtime.engine.server.generation import Answer, Generation, Piece
from tandem_runtime.engine.server.openai.errors import ApiError
from tandem_runtime.engine.server.serving import Serving
from tandem_runtime.triton import control
from tandem_runtime.triton.backend import requests
from tandem_runtime.triton.backend.controlled_table import ControlledTable

Response = dict[str, Any]
"""Values of one response by the names of the model's outputs."""
_CANCEL_POLL_S = 0.1


class Answering:
    """Called in the event loop alone."""

    def __init__(self, serving: Serving, table: ControlledTable, key: str) -> None:
        """`key` is what a control request must carry."""
        self._serving = serving
        self._table = table
        self._key = key

    async def responses(
        self,
        inputs: Mapping[str, Any],
        parameters: Mapping[str, Any],
        cancelled: Callable[[], bool],
    ) -> AsyncIterator[tuple[Response, bool]]:
        """Each response, and whether it is the last. Raises ApiError.

        A client that left ends the stream where it stands, and the request in the engine with it.
        """
        if control.INPUT in inputs or control.INPUT in parameters:
            yield self._controlled(inputs.get(control.INPUT)), True
            return
        if self._serving.worker.failure:
            raise ApiError(503, f"the engine has failed: {self._serving.worker.failure}")
        asked = requests.read(inputs, parameters)
        serving, body = self._serving, asked.body
        tokens = serving.tokens.encode(asked.prompt)
        (sequence,) = serving.builder.sequences([tokens], body, body.max_tokens, None)
        choice = (sequence, serving.tokens.reader(body.stops))
        whole = Answer()
        polled_s = time.monotonic()
        pieces = Generation(serving.worker, serving.metrics, [choice]).pieces()
        try:
            async for piece in pieces:
                whole.add(piece)
                last = piece.finish_reason is not None
                if last:
                    part = piece if body.stream else whole
                    yield self._last(part, sequence.prompt_tokens, len(whole.tokens)), True
                elif body.stream:
                    yield _part(piece), False
                if not last and time.monotonic() - polled_s > _CANCEL_POLL_S:
                    polled_s = time.monotonic()
                    if cancelled():
                        return
        finally:
            await pieces.aclose()  # type: ignore[attr-defined]  # an asynchronous generator

    def _last(self, part: Piece | Answer, prompt_tokens: int, completion_tokens: int) -> Response:
        return {
            **_part(part),
            "finish_reason": part.finish_reason,
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
        }

    def _controlled(self, text: object) -> Response:
        try:
            order = control.parse_order(text if isinstance(text, str) else "", self._key)
        except ContractError as error:
            raise ApiError(403, str(error), control.INPUT) from error
        except TableError as error:
            raise ApiError(400, str(error), control.INPUT) from error
        return {control.OUTPUT: control.render_applied(self._table.take(order))}


def _part(part: Piece | Answer) -> Response:
    return {"text_output": part.text, "token_ids": part.tokens}
