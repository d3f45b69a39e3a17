"""Windows as an engine with known acceptance and step times would report them."""

from __future__ import annotations

from typing import Any

from tandem_operator.tuning import Window


def window(
    now_s: float,
    *,
    tokens: int,
    acceptance: float,
    batch: float = 4,
    steps: int = 100,
    step_s: float = 0.02,
    duration_s: float = 2.0,
    **other: Any,
) -> Window:
    """``steps`` steps of ``batch`` requests, each drafting ``tokens`` accepted independently."""
    request_steps = steps * batch
    drafts = request_steps if tokens else 0
    accepted = tuple(drafts * acceptance ** (position + 1) for position in range(tokens))
    values: dict[str, Any] = {
        "now_s": now_s,
        "duration_s": duration_s,
        "running": batch,
        "waiting": 0,
        "request_steps": request_steps,
        "request_step_seconds": request_steps * step_s,
        "iterations": steps,
        "generated_tokens": request_steps + sum(accepted),
        "first_tokens": 0,
        "prefill_tokens": 0,
        "drafts": drafts,
        "draft_tokens": drafts * tokens,
        "accepted_by_position": accepted,
    }
    return Window(**(values | other))
