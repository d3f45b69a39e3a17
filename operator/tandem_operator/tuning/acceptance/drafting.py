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


def added(held: Drafting, window: Window) -> Drafting:
    """With one more window; an engine that began again has drafted nothing yet."""
    if window.reset:
        return Drafting()
    if window.drafts > 0 or window.draft_tokens > 0:
        return Drafting(drafted=True)
    tokens = window.generated_tokens - window.first_tokens
    if not held.drafted or tokens <= 0:
        return held
    since_s = window.now_s if held.since_s is None else held.since_s
    return Drafting(True, since_s, held.tokens + tokens)


def stopped_since(held: Drafting, now_s: float) -> float | None:
    """Since when it drafts no more; None while that is not sure."""
    if held.since_s is None or held.tokens < LEAST_TOKENS or now_s - held.since_s < LEAST_S:
        return None
    return held.since_s
