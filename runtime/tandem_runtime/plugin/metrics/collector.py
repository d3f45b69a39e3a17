"""Shows the engines' reports on the API server's /metrics.

Registered in the API process; a scrape reads the small files and nothing of the engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from tandem_runtime.contract import metrics
from tandem_runtime.contract.table import OTHER_SEGMENT
from tandem_runtime.plugin.metrics.merge import merged
from tandem_runtime.plugin.metrics.metric_help import HELP
from tandem_runtime.plugin.metrics.report import read_all

_INFO_LABELS = ("lock", "epoch", "mode", "reason", "version")
_TOTALS = {
    metrics.DRAFTS: "drafts",
    metrics.DRAFT_TOKENS: "draft_tokens",
    metrics.ACCEPTED_TOKENS: "accepted_tokens",
    metrics.REQUEST_STEPS: "request_steps",
    metrics.REQUEST_STEP_SECONDS: "request_step_seconds",
    metrics.ITERATIONS: "iterations",
    metrics.BYPASSED_REQUEST_STEPS: "bypassed_request_steps",
    metrics.MIXED_DEPTH_STEPS: "mixed_depth_steps",
    metrics.TABLE_CLAMPED: "clamped",
    metrics.PLUGIN_ERRORS: "errors",
}
_CAUSES = {
    metrics.BYPASSED_REQUESTS: ("bypassed", "cause"),
    metrics.TABLE_REFUSED: ("refused", "cause"),
    metrics.PREFILL_GUESSES: ("prefill_guesses", "result"),
}
_POSITIONS = {
    metrics.DRAFTED_BY_POSITION: "drafted_by_position",
    metrics.ACCEPTED_BY_POSITION: "accepted_by_position",
}
_SEGMENTS = {
    metrics.SEGMENT_DRAFTED: (0, "draft_tokens"),
    metrics.SEGMENT_ACCEPTED: (1, "accepted_tokens"),
    metrics.SEGMENT_REJECTED_DRAFTS: (2, "rejected_drafts"),
}


class Collector:
    """A `prometheus_client` collector over one folder of reports."""

    def __init__(
        self, folder: Path, disabled: str, version: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`disabled`: why no scheduler of this process will ever report; "" when one will.

        `clock` is the system's monotonic one, which all processes of a pod share.
        """
        self._folder = folder
        self._disabled = disabled
        self._version = version
        self._clock = clock

    def describe(self) -> list[Metric]:
        """Nothing: what there is depends on the reports."""
        return []

    def collect(self) -> Iterator[Metric]:
        """One page; only `tandem:info` while there is no report and there will be none."""
        reports = read_all(self._folder)
        if self._disabled:
            yield _gauge(
                metrics.INFO,
                _INFO_LABELS,
                {("", "", metrics.MODE_DISABLED, self._disabled, self._version): 1},
            )
        elif reports:
            page = merged(reports)
            yield from families(page, max(self._clock() - page["at_s"], 0.0))


def families(page: dict[str, Any], age_s: float) -> Iterator[Metric]:
    """Everything of one page, as `merge.merged` gives it; `age_s` is that of the oldest report."""
    yield _gauge(metrics.INFO, _INFO_LABELS, dict.fromkeys(page["infos"], 1))
    yield _gauge(metrics.APPLIED_GENERATION, (), {(): page["generation"]})
    yield _gauge(
        metrics.EFFECTIVE_TOKENS,
        ("from", "to"),
        {(str(first), str(last)): tokens for first, last, tokens in page["effective"]},
    )
    yield _gauge(metrics.CURRENT_TOKENS, (), {(): page["current_tokens"]})
    yield _gauge(metrics.CONTEXT_TOKENS, (), {(): page["context_tokens"]})
    yield _gauge(metrics.HEARTBEAT_SECONDS, (), {(): age_s})
    for name, key in _TOTALS.items():
        yield _counter(name, (), {(): page[key]})
    for name, (key, label) in _CAUSES.items():
        yield _counter(name, (label,), {(cause,): n for cause, n in page[key].items()})
    for name, key in _POSITIONS.items():
        places = {(str(position),): n for position, n in enumerate(page[key])}
        yield _counter(name, ("position",), places)
    for place, name in enumerate(metrics.CELL_SERIES.values()):
        cells = {tuple(map(str, cell)): sums[place] for cell, sums in page["cells"].items()}
        yield _counter(name, ("batch", "tokens", "prefill"), cells)
    for name, (place, total) in _SEGMENTS.items():
        values = {(segment,): sums[place] for segment, sums in page["segments"].items()}
        if values:
            # Requests of no named segment are what remains of the whole.
            named = sum(n for (segment,), n in values.items() if segment != OTHER_SEGMENT)
            values[(OTHER_SEGMENT,)] = page[total] - named
        yield _counter(name, ("segment",), values)


def _gauge(name: str, labels: tuple[str, ...], values: dict[Any, float]) -> Metric:
    family = GaugeMetricFamily(name, HELP[name], labels=labels)
    for at, value in values.items():
        family.add_metric(at, value)
    return family


def _counter(name: str, labels: tuple[str, ...], values: dict[Any, float]) -> Metric:
    stem = name.removesuffix("_total")
    family = CounterMetricFamily(stem, HELP[name], labels=labels)
    for at, value in values.items():
        family.add_metric(at, value)
    return family
