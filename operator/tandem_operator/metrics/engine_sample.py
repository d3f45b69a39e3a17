"""The counters of one replica at one moment, whatever engine and source they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tandem_operator.engines.series import Series
from tandem_operator.metrics.page import Page
from tandem_runtime.contract import metrics

CellKey = tuple[int, int, bool]
"""Lower edge of the batch bucket, K, whether the step carried prefill."""


@dataclass(frozen=True)
class Plugin:
    """What the plugin in the engine says about itself."""

    lock: str
    epoch: str
    mode: str
    reason: str
    applied_generation: int
    effective: tuple[tuple[int, int, int], ...]
    heartbeat_s: float | None

    def tokens_for(self, batch: float) -> int | None:
        """K in force at that many decoding requests; None: no table is in force."""
        for first, last, tokens in self.effective:
            if first <= max(1.0, batch) <= last:
                return tokens
        return self.effective[-1][2] if self.effective else None


@dataclass(frozen=True)
class EngineSample:
    """One scrape. Sums run over the engine's data-parallel ranks.

    ``totals`` hold the monotonic counters by the name of the Window field that they become.
    ``segments`` are (accepted, drafts that ended in a rejection) by traffic segment.
    """

    at_s: float
    running: float
    waiting: float
    context_tokens: float | None
    totals: Mapping[str, float]
    accepted_by_position: tuple[float, ...]
    drafted_by_position: tuple[float, ...] | None
    cells: Mapping[CellKey, Mapping[str, float]] | None
    segments: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    plugin: Plugin | None = None


class SeriesMissingError(Exception):
    """The page lacks a series without which nothing can be decided."""


def read(page: Page, series: Series, at_s: float) -> EngineSample:
    """The reading of a page.

    Where the plugin reports a counter, its own is taken: the engine's own per-position counters
    have no true denominators, and its inter-token histogram is observed by the output process.

    Raises:
        SeriesMissingError: the page is not of this engine, or of one without its gauges.
    """
    running = page.total(series.spellings(series.running))
    waiting = page.total(series.spellings(series.waiting))
    if running is None or waiting is None:
        wanted = series.spellings(series.running)[0]
        raise SeriesMissingError(f"the page has no {wanted}")
    plugin = _plugin(page)
    return EngineSample(
        at_s=at_s,
        running=running,
        waiting=waiting,
        context_tokens=page.total((metrics.CONTEXT_TOKENS,)) if plugin else None,
        totals=_totals(page, series, plugin is not None),
        accepted_by_position=_by_position(
            page, (metrics.ACCEPTED_BY_POSITION,) if plugin else (), series
        ),
        drafted_by_position=_positions(page.by_label((metrics.DRAFTED_BY_POSITION,), "position"))
        if plugin
        else None,
        cells=_cells(page) if plugin else None,
        segments=_segments(page),
        plugin=plugin,
    )


def _totals(page: Page, series: Series, plugin: bool) -> dict[str, float]:
    own: dict[str, str] = {
        "request_steps": metrics.REQUEST_STEPS,
        "request_step_seconds": metrics.REQUEST_STEP_SECONDS,
        "iterations": metrics.ITERATIONS,
        "drafts": metrics.DRAFTS,
        "draft_tokens": metrics.DRAFT_TOKENS,
        "bypassed_request_steps": metrics.BYPASSED_REQUEST_STEPS,
    }
    stock: dict[str, str | None] = {
        "request_steps": _suffixed(series.inter_token_seconds, "_count"),
        "request_step_seconds": _suffixed(series.inter_token_seconds, "_sum"),
        "iterations": _suffixed(series.iteration_tokens, "_count"),
        "generated_tokens": series.generated_tokens,
        "first_tokens": _suffixed(series.first_token_seconds, "_count"),
        "first_token_seconds": _suffixed(series.first_token_seconds, "_sum"),
        "prefill_tokens": series.prefill_tokens,
        "drafts": series.drafts,
        "draft_tokens": series.draft_tokens,
    }
    totals = {}
    for name in sorted({*own, *stock}):
        value = page.total((own[name],)) if plugin and name in own else None
        stem = stock.get(name)
        if value is None and stem is not None:
            value = page.total(series.spellings(stem))
        totals[name] = value if value is not None else 0.0
    mixed = page.total((metrics.MIXED_DEPTH_STEPS,)) if plugin else None
    if mixed is not None:
        # Plugins of earlier releases do not count them, which is not the same as none.
        totals["mixed_depth_steps"] = mixed
    return totals


def _suffixed(stem: str | None, suffix: str) -> str | None:
    return None if stem is None else stem + suffix


def _by_position(page: Page, own: tuple[str, ...], series: Series) -> tuple[float, ...]:
    stock = series.accepted_by_position
    names = own + (series.spellings(stock) if stock else ())
    return _positions(page.by_label(names, "position"))


def _positions(by_label: dict[str, float] | None) -> tuple[float, ...]:
    if not by_label:
        return ()
    places = {int(label): value for label, value in by_label.items() if label.isdigit()}
    return tuple(places.get(place, 0.0) for place in range(max(places, default=-1) + 1))


def _cells(page: Page) -> dict[CellKey, dict[str, float]]:
    cells: dict[CellKey, dict[str, float]] = {}
    for part, name in metrics.CELL_SERIES.items():
        for labels, value in page.all(name):
            key = (int(labels["batch"]), int(labels["tokens"]), labels["prefill"] == "1")
            sums = cells.setdefault(key, {})
            sums[part] = sums.get(part, 0.0) + value
    return cells


def _segments(page: Page) -> dict[str, tuple[float, float]]:
    accepted = page.by_label((metrics.SEGMENT_ACCEPTED,), "segment") or {}
    rejected = page.by_label((metrics.SEGMENT_REJECTED_DRAFTS,), "segment") or {}
    return {
        name: (accepted.get(name, 0.0), rejected.get(name, 0.0))
        for name in sorted({*accepted, *rejected})
    }


def _plugin(page: Page) -> Plugin | None:
    infos = page.all(metrics.INFO)
    if not infos:
        return None
    labels = infos[0][0]
    effective = sorted(
        (int(at["from"]), int(at["to"]), int(value))
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
