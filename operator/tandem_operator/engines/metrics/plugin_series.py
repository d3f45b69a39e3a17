"""What the plugin adds to a page: the same names in every engine."""

from __future__ import annotations

from dataclasses import dataclass

from tandem_operator.engines.metrics.page import Page
from tandem_operator.engines.metrics.sample import CellKey, Cells, Plugin, Segments
from tandem_runtime.contract import metrics
from tandem_runtime.contract.table import Range

TOTALS = {
    "request_steps": metrics.REQUEST_STEPS,
    "request_step_seconds": metrics.REQUEST_STEP_SECONDS,
    "iterations": metrics.ITERATIONS,
    "drafts": metrics.DRAFTS,
    "draft_tokens": metrics.DRAFT_TOKENS,
    "bypassed_request_steps": metrics.BYPASSED_REQUEST_STEPS,
    # Plugins of earlier releases do not count them, which is not the same as none.
    "mixed_depth_steps": metrics.MIXED_DEPTH_STEPS,
}
"""Counters by the Window field that they become."""


@dataclass(frozen=True)
class PluginCounters:
    """The plugin's own counters; ``totals`` hold those that it has."""

    plugin: Plugin
    totals: dict[str, float]
    context_tokens: float | None
    accepted_by_position: tuple[float, ...] | None
    drafted_by_position: tuple[float, ...]
    cells: Cells


def read(page: Page) -> PluginCounters | None:
    """What the plugin counts; None where no plugin speaks."""
    infos = page.all(metrics.INFO)
    if not infos:
        return None
    totals = {field: page.total((name,)) for field, name in TOTALS.items()}
    return PluginCounters(
        plugin=_plugin(page, dict(infos[0][0])),
        totals={field: value for field, value in totals.items() if value is not None},
        context_tokens=page.total((metrics.CONTEXT_TOKENS,)),
        accepted_by_position=positions(page.by_label((metrics.ACCEPTED_BY_POSITION,), "position")),
        drafted_by_position=positions(page.by_label((metrics.DRAFTED_BY_POSITION,), "position"))
        or (),
        cells=_cells(page),
    )


def positions(by_label: dict[str, float] | None) -> tuple[float, ...] | None:
    """Values in the order of their position, which is the label; None where there is no series."""
    if by_label is None:
        return None
    places = {int(label): value for label, value in by_label.items() if label.isdigit()}
    return tuple(places.get(place, 0.0) for place in range(max(places, default=-1) + 1))


def segments(page: Page) -> Segments:
    """(accepted, drafts that ended in a rejection) by traffic segment."""
    accepted = page.by_label((metrics.SEGMENT_ACCEPTED,), "segment") or {}
    rejected = page.by_label((metrics.SEGMENT_REJECTED_DRAFTS,), "segment") or {}
    return {
        name: (accepted.get(name, 0.0), rejected.get(name, 0.0))
        for name in sorted({*accepted, *rejected})
    }


def _cells(page: Page) -> Cells:
    cells: dict[CellKey, dict[str, float]] = {}
    for part, name in metrics.CELL_SERIES.items():
        for labels, value in page.all(name):
            key = (int(labels["batch"]), int(labels["tokens"]), labels["prefill"] == "1")
            sums = cells.setdefault(key, {})
            sums[part] = sums.get(part, 0.0) + value
    return cells


def _plugin(page: Page, labels: dict[str, str]) -> Plugin:
    effective = sorted(
        Range(int(at["from"]), int(at["to"]), int(value))
        for at, value in page.all(metrics.EFFECTIVE_TOKENS)
    )
    applied = [value for _, value in page.all(metrics.APPLIED_GENERATION)]
    beats = [value for _, value in page.all(metrics.HEARTBEAT_SECONDS)]
    return Plugin(
        lock=labels.get("lock", ""),
        epoch=labels.get("epoch", ""),
        mode=labels.get("mode", ""),
        reason=labels.get("reason", ""),
        applied_generation=int(min(applied, default=-1)),
        effective=tuple(effective),
        heartbeat_s=max(beats) if beats else None,
    )
