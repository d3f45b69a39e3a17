"""The engine's page on Triton's own metrics port, sample by sample.

Triton knows counters, gauges and histograms of its own making; the engine's page is made by
`prometheus_client` already. Each sample of it becomes one metric of the same name and labels, so
that both pages read alike. Buckets, sums and counts of histograms are counters of their own names.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

from prometheus_client import CollectorRegistry

EVERY_S = 0.1

_Key = tuple[str, tuple[tuple[str, str], ...]]
_log = logging.getLogger("tandem.triton")


class MetricsMirror:
    """Copies a registry into Triton every 100 ms, what changed of it."""

    def __init__(self, registry: CollectorRegistry, families: Any) -> None:
        """`families` is `pb_utils.MetricFamily`."""
        self._registry = registry
        self._families = families
        self._mirrored: dict[_Key, tuple[Any, Any]] = {}
        self._values: dict[_Key, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tandem-metrics", daemon=True)

    def start(self) -> None:
        """Copy now, then go on in a thread."""
        self.copy()
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            try:
                self.copy()
            except Exception:  # noqa: BLE001 (the thread must live: the page is how K is judged)
                _log.exception("tandem: the page cannot be copied")

    def copy(self) -> None:
        """Make Triton's metrics those of the registry."""
        seen: set[_Key] = set()
        for key, value, counts, text in _samples(self._registry):
            seen.add(key)
            if key not in self._mirrored:
                self._make(key, counts, text)
            if counts:
                more = value - self._values.get(key, 0.0)
                if more > 0:
                    self._mirrored[key][1].increment(more)
            elif value != self._values.get(key):
                self._mirrored[key][1].set(value)
            self._values[key] = value
        for key in self._mirrored.keys() - seen:
            self._drop(key)

    def _make(self, key: _Key, counts: bool, text: str) -> None:
        # A family of its own for each: Triton takes a metric off the page only with its family.
        kind = self._families.COUNTER if counts else self._families.GAUGE
        family = self._families(name=key[0], description=text, kind=kind)
        self._mirrored[key] = (family, family.Metric(labels=dict(key[1])))

    def _drop(self, key: _Key) -> None:
        family, metric = self._mirrored.pop(key)
        self._values.pop(key, None)
        del metric  # before its family, as Triton asks
        del family


def _samples(registry: CollectorRegistry) -> Iterator[tuple[_Key, float, bool, str]]:
    for family in registry.collect():
        for sample in family.samples:
            if sample.name.endswith("_created"):
                continue
            key = (sample.name, tuple(sorted(sample.labels.items())))
            yield key, sample.value, family.type in ("counter", "histogram"), family.documentation
