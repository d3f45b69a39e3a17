"""The operator's own metrics, on its /metrics."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.registry import Collector

RECONCILE_BUCKETS = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
RECONCILE_RESULTS = ("done", "retry", "bug")
DECISION_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 120.0)


class Metrics:
    """Everything that the operator counts about itself; one for a process."""

    def __init__(self, version: str) -> None:
        self._registry = CollectorRegistry()
        self._info = Gauge(
            "tandem_operator_info",
            "1, with the version of the operator.",
            ["version"],
            registry=self._registry,
        )
        self._info.labels(version).set(1)
        self._leading = Gauge(
            "tandem_operator_leading", "1 while this replica leads.", registry=self._registry
        )
        self._resources = Gauge(
            "tandem_operator_resources", "Watched resources.", registry=self._registry
        )
        self._waiting = Gauge(
            "tandem_operator_queue_length",
            "Resources that wait for a reconciliation or are being reconciled.",
            registry=self._registry,
        )
        self._watch_ages = Gauge(
            "tandem_operator_watch_age_seconds",
            "Time since the API server last proved the watch of a kind, by a list, an event or a "
            "bookmark; up to 70 in a quiet cluster. An empty namespace means all namespaces.",
            ["kind", "namespace"],
            registry=self._registry,
        )
        self._watch_refusals = Gauge(
            "tandem_operator_watch_refused",
            "1 while the API server refuses that watch, because the right or the kind is missing.",
            ["kind", "namespace"],
            registry=self._registry,
        )
        self._yielded = Gauge(
            "tandem_operator_yielded_resources",
            "Resources that another installation manages.",
            registry=self._registry,
        )
        self._undeclared = Gauge(
            "tandem_operator_undeclared_fields",
            "Status fields that the installed CRD lacks, because it is from another release.",
            registry=self._registry,
        )
        self._reconciliations = Histogram(
            "tandem_operator_reconcile_seconds",
            "Reconciliations by result: done, retry (the API server was down, or another writer "
            "was faster) or bug.",
            ["result"],
            buckets=RECONCILE_BUCKETS,
            registry=self._registry,
        )
        for result in RECONCILE_RESULTS:
            # From 0 on: an alert on an increase would miss the first of a series that begins at 1.
            self._reconciliations.labels(result)
        self._writes = Counter(
            "tandem_operator_writes",
            "Writes that the API server accepted.",
            ["verb", "kind"],
            registry=self._registry,
        )
        self._decisions = Histogram(
            "tandem_operator_decision_seconds",
            "From a decision of the tuner until its table was written, and until every ready pod "
            "was seen to have applied it. The latter is as coarse as the scrapes.",
            ["until"],
            buckets=DECISION_BUCKETS,
            registry=self._registry,
        )

    def add(self, collector: Collector) -> None:
        """Put the collector's series on the page as well."""
        self._registry.register(collector)

    def leading(self, leads: bool) -> None:
        self._leading.set(1 if leads else 0)

    def sizes(self, resources: int, waiting: int) -> None:
        self._resources.set(resources)
        self._waiting.set(waiting)

    def watch(self, kind: str, namespace: str, age_s: float, refused: bool) -> None:
        self._watch_ages.labels(kind, namespace).set(age_s)
        self._watch_refusals.labels(kind, namespace).set(1 if refused else 0)

    def undeclared(self, fields: int) -> None:
        self._undeclared.set(fields)

    def yielded(self, resources: int) -> None:
        self._yielded.set(resources)

    def reconciled(self, result: str, seconds: float) -> None:
        self._reconciliations.labels(result).observe(seconds)

    def write(self, verb: str, kind: str) -> None:
        self._writes.labels(verb, kind).inc()

    def decision(self, until: str, seconds: float) -> None:
        self._decisions.labels(until).observe(seconds)

    def page(self) -> bytes:
        """The page, in Prometheus' text format."""
        page: bytes = generate_latest(self._registry)
        return page
