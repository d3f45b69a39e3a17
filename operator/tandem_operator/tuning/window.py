"""One scrape interval of one replica, as differences of its counters.

`metrics` and the simulator build these; the tuner only reads them. Nothing is checked here: a
window may carry whatever an engine reported, and `window_validation` decides whether it can be
believed.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepCell:
    """Steps of one kind in one window: batch bucket, K, with or without prefill.

    ``with_prefill`` means at least 128 prefill tokens in the step. Steps with 1-127 of them, and
    steps whose (batch, K) differs from the step before, are in no cell. Sums run over the steps:
    ``seconds`` of wall time, ``batch_sum`` decoding requests, ``context_sum`` context tokens,
    ``prefill_sum`` prefill tokens, ``verified_sum`` tokens verified including the bonus one
    (None: batch x (K + 1)).
    """

    batch_from: int
    batch_to: int
    tokens: int
    with_prefill: bool
    steps: float
    seconds: float
    batch_sum: float
    context_sum: float
    prefill_sum: float
    verified_sum: float | None = None


@dataclass(frozen=True, kw_only=True)
class Window:
    """Counter differences of one replica since its last window; see ``docs/contract.md``.

    ``request_steps`` counts each engine step once per decoding request, ``request_step_seconds``
    its seconds likewise. ``drafted_by_position[i]`` counts drafts at least i+1 tokens long,
    accepted or not (None: the engine's stock counters do not tell). ``mixed_depth_steps`` are those
    of the ``iterations`` whose requests verified different numbers of drafts (None: not counted).
    ``reset`` says that a counter went back.
    """

    replica: str = ""
    now_s: float
    duration_s: float
    running: float
    waiting: float
    context_tokens: float | None = None
    request_steps: float
    request_step_seconds: float
    iterations: float
    generated_tokens: float
    first_tokens: float
    prefill_tokens: float
    drafts: float
    draft_tokens: float
    accepted_by_position: tuple[float, ...]
    drafted_by_position: tuple[float, ...] | None = None
    cells: tuple[StepCell, ...] | None = None
    speculation_loaded: bool = True
    reset: bool = False
    bypassed_request_steps: float = 0
    mixed_depth_steps: float | None = None
    first_token_seconds: float | None = None
