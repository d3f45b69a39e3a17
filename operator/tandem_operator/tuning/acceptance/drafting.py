"""Whether an engine that drafted has ended speculation for good, by its counters alone.

TensorRT-LLM has such a gate: it closes once the last requests accepted too little, opens with no
change of the traffic, and no series tells of it. What shows is that requests end and none of their
steps drafted.
"""

from __future__ import annotations

from dataclasses import dataclass

from tandem_operator.tuning.window import Window

LEAST_S = 120.0
LEAST_TOKENS = 500.0
"""Output tokens without a draft, first ones aside, below which nothing is said."""


@dataclass(frozen=True)
class Drafting:
    """One engine's. ``since_s`` is when the first tokens without a draft ended, None while it
    drafts; ``tokens`` are those since then."""

    drafted: bool = False
    since_s: float | None = None
    tokens: float = 0.0


def added(so_far: Drafting, window: Window) -> Drafting:
    """With one more window; an engine that began again has drafted nothing yet."""
    if window.reset:
        return Drafting()
    if window.drafts > 0 or window.draft_tokens > 0:
        return Drafting(drafted=True)
    tokens = window.generated_tokens - window.first_tokens
    if not so_far.drafted or tokens <= 0:
        return so_far
    since_s = window.now_s if so_far.since_s is None else so_far.since_s
    return Drafting(True, since_s, so_far.tokens + tokens)


def stopped_since(so_far: Drafting, now_s: float) -> float | None:
    """Since when it drafts no more; None while that is not sure."""
    if so_far.since_s is None or so_far.tokens < LEAST_TOKENS or now_s - so_far.since_s < LEAST_S:
        return None
    return so_far.since_s
