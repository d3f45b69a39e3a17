"""What one window says, and whether it can be believed.

Identities of the counters, with R request steps, S request-step seconds, N iterations, G generated
and F first tokens: mean batch b = R/N, step time = S/R, tokens per request and step = (G-F)/R,
time per output token = S/(G-F). They hold at K=0 and under mixed K.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from tandem_operator.tuning.window import Window

LONGEST_STEP_S = 600.0
SHORTEST_STEP_S = 1e-6
LARGEST_COUNT = 1e12
MOST_REQUESTS = 1e5
FEWEST = 1e-6
_SLACK_SHARE = 0.05
_SLACK_COUNT = 64.0
"""Counters of one scrape are read while a step runs, so their differences need not fit exactly."""


@dataclass(frozen=True)
class Load:
    """How one replica worked in one window."""

    batch: float
    step_s: float
    tokens_per_step: float
    time_per_output_token_s: float | None


def problem_of(window: Window) -> str | None:
    """Why the window cannot be believed, or None."""
    for name, value in _numbers(window):
        if not math.isfinite(value):
            return f"{name} is {value}"
        if value < 0:
            return f"{name} is negative ({value:g})"
        if value > LARGEST_COUNT:
            return f"{name} is impossibly large ({value:g})"
    slack = _SLACK_COUNT + _SLACK_SHARE * window.drafts * (1 + len(window.accepted_by_position))
    accepted = window.accepted_by_position
    if accepted and accepted[0] > window.drafts + slack:
        return f"{accepted[0]:g} first drafts accepted of {window.drafts:g}"
    if sum(accepted) > window.draft_tokens + slack:
        return f"{sum(accepted):g} drafted tokens accepted of {window.draft_tokens:g}"
    for position, value in enumerate(accepted[1:], start=1):
        if value > accepted[position - 1] + slack:
            return f"more accepted at position {position} than before it"
    for position, value in enumerate(window.drafted_by_position or ()):
        if value > window.drafts + slack:
            return f"{value:g} drafts reach position {position} of {window.drafts:g}"
        if position < len(accepted) and accepted[position] > value + slack:
            return f"{accepted[position]:g} accepted at position {position} of {value:g} drafted"
    if window.request_steps > 0:
        step_s = window.request_step_seconds / window.request_steps
        if not SHORTEST_STEP_S <= step_s <= LONGEST_STEP_S:
            return f"a mean step of {step_s:g} s"
    if 0 < window.iterations < window.request_steps / MOST_REQUESTS:
        return f"{window.request_steps:g} request steps in {window.iterations:g} steps"
    for name, value in (("drafts", window.drafts), ("request_steps", window.request_steps)):
        if 0 < value < FEWEST:
            return f"{value:g} {name}, which are counted one by one"
    return None


def load_of(window: Window) -> Load | None:
    """The window's load by the identities above; None when no request decoded in it."""
    if window.request_steps <= 0 or window.iterations <= 0 or window.request_step_seconds <= 0:
        return None
    decoded = window.generated_tokens - window.first_tokens
    return Load(
        batch=max(1.0, window.request_steps / window.iterations),
        step_s=window.request_step_seconds / window.request_steps,
        tokens_per_step=max(0.0, decoded) / window.request_steps,
        time_per_output_token_s=window.request_step_seconds / decoded if decoded >= 1 else None,
    )


def loads_of(windows: Iterable[Window]) -> list[Load]:
    """The loads of those windows in which any request decoded."""
    return [load for load in map(load_of, windows) if load is not None]


def _numbers(window: Window) -> Iterator[tuple[str, float]]:
    """Every number of the window with the name of its field; what is not known is left out."""
    for field in fields(window):
        value = getattr(window, field.name)
        if field.name == "cells":
            for cell in value or ():
                yield from ((f"cells.{name}", float(own or 0)) for name, own in vars(cell).items())
        elif isinstance(value, tuple):
            yield from ((field.name, own) for own in value)
        elif isinstance(value, int | float):
            yield field.name, value
