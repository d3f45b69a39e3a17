"""Drafted tokens that were judged in one window, as the tuner counts them."""

from __future__ import annotations

from tandem_operator.tuning import Window
from tandem_operator.tuning.acceptance.counts import drafts_of, expected_depths


def judged_of(window: Window, depths: tuple[int, ...]) -> tuple[float, float]:
    """(accepted, drafts that ended in a rejection)."""
    return sum(window.accepted_by_position), rejections(window, depths)


def rejections(window: Window, depths: tuple[int, ...]) -> float:
    """Drafts that ended in a rejection."""
    if window.drafts <= 0:
        return 0.0
    mean = window.draft_tokens / window.drafts
    return drafts_of(
        window.accepted_by_position,
        window.drafted_by_position,
        window.drafts,
        window.draft_tokens,
        expected_depths(mean, (max(1, round(mean)),), depths),
    ).rejections
