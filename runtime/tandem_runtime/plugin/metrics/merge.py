"""One page of several engines: with data parallelism each rank has its own scheduler.

Pure; the collector shows what this makes of the reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

SUMMED = (
    "drafts",
    "draft_tokens",
    "accepted_tokens",
    "rejected_drafts",
    "request_steps",
    "request_step_seconds",
    "iterations",
    "bypassed_request_steps",
    "mixed_depth_steps",
    "context_tokens",
    "clamped",
    "errors",
)
BY_CAUSE = ("bypassed", "refused", "prefill_guesses")
BY_POSITION = ("drafted_by_position", "accepted_by_position")


def merged(reports: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counters summed; the oldest table and the oldest heartbeat, since these are the slowest's."""
    slowest = min(reports, key=lambda report: report["generation"])
    cells: dict[tuple[int, ...], list[float]] = {}
    segments: dict[str, list[int]] = {}
    for report in reports:
        for batch, tokens, prefill, *sums in report["cells"]:
            _into(cells, (batch, tokens, prefill), sums)
        for name, counts in report["segments"].items():
            _into(segments, name, counts)
    return {
        **{name: sum(report[name] for report in reports) for name in SUMMED},
        **{name: _by_cause(report[name] for report in reports) for name in BY_CAUSE},
        **{name: _by_position([report[name] for report in reports]) for name in BY_POSITION},
        "cells": cells,
        "segments": segments,
        "current_tokens": max(report["current_tokens"] for report in reports),
        "generation": slowest["generation"],
        "effective": slowest["effective"],
        "at_s": min(report["at_s"] for report in reports),
        "infos": list({_info(report): None for report in reports}),
    }


def _info(report: dict[str, Any]) -> tuple[str, ...]:
    return tuple(report[name] for name in ("lock", "epoch", "mode", "reason", "plugin"))


def _into(target: dict[Any, list[Any]], key: Any, more: Sequence[float]) -> None:
    have = target.get(key)
    target[key] = list(more) if have is None else [a + b for a, b in zip(have, more, strict=True)]


def _by_cause(parts: Any) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _by_position(lists: Sequence[Sequence[int]]) -> list[int]:
    total = [0] * max(map(len, lists), default=0)
    for one in lists:
        for position, value in enumerate(one):
            total[position] += value
    return total
