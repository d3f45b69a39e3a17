"""Series about each resource, on the page of the operator that leads.

Read when somebody scrapes, from what the store and the tuning loop hold: nothing is kept here, so
a resource that is deleted is gone from the page. A resource has one series for each condition (at
most eight), one for each traffic segment (at most sixteen) and a dozen others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tandem_operator.api.status.speculation import LiveMode
from tandem_operator.planning import TuningView
from tandem_operator.planning.status.speculation import MAX_SEGMENTS

Object = dict[str, Any]
Key = tuple[str, str]
"""Namespace and name of a resource."""

VALUES = {"True": 1.0, "False": 0.0, "Unknown": -1.0}
LABELS = ("namespace", "name")

GAUGES = {
    "max_tokens": "Deepest K that the engine was started with.",
    "table_tokens": "K that the table in force gives to a single request.",
    "effective_tokens": "K at the present load.",
    "acceptance_ratio": "Accepted / (accepted + drafts that ended in a rejection), over a minute.",
    "speedup_ratio": "Time per token without speculation / time per token with it.",
    "table_generation": "Generation of the table that was written last.",
    "applied_generation": "Lowest generation that a ready replica has applied.",
    "replicas": "Engine pods.",
    "ready_replicas": "Ready engine pods.",
    "applied_replicas": "Engine pods with the newest table; only where K is live.",
}
COUNTERS = {
    "drafted_tokens": "Tokens drafted.",
    "wasted_tokens": "Tokens drafted and not accepted.",
    "mixed_depth_steps": "Steps whose requests verified different numbers of drafts.",
}


class ResourceSeries(Collector):  # type: ignore[misc]  # the library has no types
    """Everything of all resources.

    Args:
        resources: the resources as the API server holds them; none while this replica stands by.
        view: what the tuning loop holds of one.
    """

    def __init__(
        self,
        resources: Callable[[], Iterable[Object]],
        view: Callable[[Key], TuningView | None],
    ) -> None:
        self._resources = resources
        self._view = view

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        conditions = GaugeMetricFamily(
            "tandem_resource_condition",
            "1 if the condition is True, 0 False, -1 Unknown; no series without the condition.",
            labels=(*LABELS, "type", "reason"),
        )
        segments = GaugeMetricFamily(
            "tandem_resource_segment_acceptance_ratio",
            "The acceptance ratio of one traffic segment.",
            labels=(*LABELS, "segment"),
        )
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {
            name: GaugeMetricFamily(f"tandem_resource_{name}", text, labels=LABELS)
            for name, text in GAUGES.items()
        } | {
            name: CounterMetricFamily(f"tandem_resource_{name}", text, labels=LABELS)
            for name, text in COUNTERS.items()
        }
        for resource in self._resources():
            metadata, status = resource["metadata"], resource.get("status") or {}
            key = (metadata["namespace"], metadata["name"])
            view = self._view(key)
            for condition in status.get("conditions", ()):
                value = VALUES[condition["status"]]
                conditions.add_metric((*key, condition["type"], condition["reason"]), value)
            for name, rate in _segments(view):
                segments.add_metric((*key, name), rate)
            for name, number in _numbers(resource.get("spec") or {}, status, view).items():
                if number is not None:
                    families[name].add_metric(key, number)
        yield from (conditions, segments, *families.values())


def _segments(view: TuningView | None) -> list[tuple[str, float]]:
    return [] if view is None else sorted(view.segments.items())[:MAX_SEGMENTS]


def _numbers(spec: Object, status: Object, view: TuningView | None) -> dict[str, float | None]:
    speculation = status.get("speculation") or {}
    schedule = speculation.get("schedule") or ()
    live = speculation.get("liveMode") in (LiveMode.LOOKUP, LiveMode.TRIM)
    numbers: dict[str, float | None] = {
        "max_tokens": (spec.get("speculation") or {}).get("maxTokens"),
        "table_tokens": schedule[0]["tokens"] if schedule else None,
        "effective_tokens": speculation.get("effectiveTokens"),
        "table_generation": speculation.get("generation"),
        "replicas": status.get("replicas"),
        "ready_replicas": status.get("readyReplicas"),
        "applied_replicas": speculation.get("appliedReplicas") if live else None,
        "speedup_ratio": _decimal(speculation.get("speedup")),
    }
    if view is None:
        return numbers
    generations = [
        each.applied_generation for each in view.replicas if each.applied_generation is not None
    ]
    return {
        **numbers,
        "acceptance_ratio": view.acceptance_rate,
        "applied_generation": min(generations, default=None),
        "drafted_tokens": view.drafted_tokens,
        "wasted_tokens": view.wasted_tokens,
        "mixed_depth_steps": view.mixed_depth_steps,
    }


def _decimal(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
