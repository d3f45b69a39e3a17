"""Reading a page into counters: the interface, and the reader of engines that name their series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from tandem_operator.engines.metrics import plugin_series
from tandem_operator.engines.metrics.page import Page
from tandem_operator.engines.metrics.sample import EngineSample, SeriesMissingError

STOCK = (
    "request_steps",
    "request_step_seconds",
    "iterations",
    "generated_tokens",
    "first_tokens",
    "first_token_seconds",
    "prefill_tokens",
    "drafts",
    "draft_tokens",
)
"""Counters that an engine may have of its own, as fields of a Window."""
ALWAYS = (*STOCK, "bypassed_request_steps")
"""Counters of every sample; 0 where nobody counts them."""


class MetricsReader(Protocol):
    """How one engine's page is read."""

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Beginnings of the names of all series that are read, the plugin's aside."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Full names of all series that are read, in every spelling, the plugin's aside."""
        ...

    @property
    def queue(self) -> tuple[str, ...]:
        """Full names, as the engine itself writes them, of the gauges that are all zero while it
        has no request."""
        ...

    def read(self, page: Page, at_s: float) -> EngineSample:
        """The counters of a page that was written at `at_s`.

        Raises:
            SeriesMissingError: the page is not of this engine, or of one without its gauges.
        """
        ...

    def counts_drafts(self, page: Page) -> bool:
        """Whether the page speaks of speculation at all."""
        ...


@dataclass(frozen=True)
class Series:
    """Where one meaning stands on a page: samples of the first of ``names`` that occurs.

    Only samples with all of ``labels`` count, and their sum is the value. ``position`` is the label
    with the position, where there is a sample for each.
    """

    names: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    position: str = "position"

    def total(self, page: Page) -> float | None:
        """The value on a page; None where the series is not on it."""
        return page.total(self.names, self.labels)

    def by_position(self, page: Page) -> tuple[float, ...] | None:
        """Values by position from 0; None where the series is not on the page."""
        return plugin_series.positions(page.by_label(self.names, self.position, self.labels))


def spelled(prefixes: tuple[str, ...], name: str) -> tuple[str, ...]:
    """A name under each prefix: some exporters rename `vllm:` to `vllm_`."""
    return tuple(prefix + name for prefix in prefixes)


@dataclass(frozen=True)
class SeriesReader:
    """The reader of an engine whose page has a series for each meaning.

    ``counters`` are by the field of the Window that they become, those of `STOCK`. Where the plugin
    has a counter of its own, that one is taken: an engine's per-position counters may have no true
    denominators, and its inter-token histogram is observed by its output process.
    """

    prefixes: tuple[str, ...]
    running: Series
    waiting: Series
    counters: Mapping[str, Series] = field(default_factory=dict)
    accepted_by_position: Series | None = None
    drafted_by_position: Series | None = None

    def __post_init__(self) -> None:
        unknown = sorted(set(self.counters) - set(STOCK))
        if unknown:
            raise ValueError(f"no counter of a window: {', '.join(unknown)}")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all its series."""
        positions = (self.accepted_by_position, self.drafted_by_position)
        every = (self.running, self.waiting, *self.counters.values(), *positions)
        return tuple(name for series in every if series is not None for name in series.names)

    @property
    def queue(self) -> tuple[str, ...]:
        """The first spelling of both gauges."""
        return (self.running.names[0], self.waiting.names[0])

    def counts_drafts(self, page: Page) -> bool:
        """Whether the engine's own counter of drafts is on the page."""
        drafts = self.counters.get("drafts")
        return drafts is not None and drafts.total(page) is not None

    def read(self, page: Page, at_s: float) -> EngineSample:
        """The counters of a page. Raises SeriesMissingError."""
        running, waiting = self.running.total(page), self.waiting.total(page)
        if running is None or waiting is None:
            lost = self.running if running is None else self.waiting
            raise SeriesMissingError(f"the page has no {lost.names[0]}")
        own = plugin_series.read(page)
        totals = {name: series.total(page) for name, series in self.counters.items()}
        totals |= {} if own is None else own.totals
        stock = self.accepted_by_position
        accepted = None if own is None else own.accepted_by_position
        if accepted is None and stock is not None:
            accepted = stock.by_position(page)
        if own is not None:
            drafted: tuple[float, ...] | None = own.drafted_by_position
        else:
            of_engine = self.drafted_by_position
            drafted = None if of_engine is None else of_engine.by_position(page)
        return EngineSample(
            at_s=at_s,
            running=running,
            waiting=waiting,
            context_tokens=None if own is None else own.context_tokens,
            totals={
                **dict.fromkeys(ALWAYS, 0.0),
                **{name: value for name, value in totals.items() if value is not None},
            },
            accepted_by_position=accepted or (),
            drafted_by_position=drafted,
            cells=None if own is None else own.cells,
            segments=plugin_series.segments(page),
            plugin=None if own is None else own.plugin,
        )
