"""The page that is copied into Triton, by a copy of what Triton's metrics do.

Triton itself is in tests/engines/triton; here stands what its page cannot show: deletion in order.
"""

from __future__ import annotations

from typing import ClassVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tandem_runtime.triton.backend.metrics_mirror import MetricsMirror


class Metric:
    def __init__(self, family: Family, labels: dict[str, str]) -> None:
        self.name, self.kind, self.labels, self.value = family.name, family.kind, labels, 0.0

    def increment(self, more: float) -> None:
        assert self.kind == "counter"
        assert more > 0
        self.value += more

    def set(self, value: float) -> None:
        assert self.kind == "gauge"
        self.value = value

    def __del__(self) -> None:
        Family.deleted.append((self.name, "metric"))


class Family:
    """What the mirror uses of `pb_utils.MetricFamily`."""

    COUNTER: ClassVar[str] = "counter"
    GAUGE: ClassVar[str] = "gauge"
    deleted: ClassVar[list[tuple[str, str]]] = []

    def __init__(self, name: str, description: str, kind: str) -> None:
        self.name, self.description, self.kind = name, description, kind

    def Metric(self, labels: dict[str, str]) -> Metric:
        return Metric(self, labels)

    def __del__(self) -> None:
        Family.deleted.append((self.name, "family"))


def values(mirror: MetricsMirror) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {key: metric.value for key, (_, metric) in mirror._mirrored.items()}


def test_counters_gauges_and_histograms_have_their_samples_names_and_labels() -> None:
    registry = CollectorRegistry()
    counter = Counter("vllm:prompt_tokens", "text", ["model_name"], registry=registry).labels("a")
    gauge = Gauge("vllm:num_requests_running", "text", registry=registry)
    seconds = Histogram("vllm:e2e", "text", buckets=(1.0,), registry=registry)
    mirror = MetricsMirror(registry, Family)
    for number in (1, 2, 0):
        counter.inc(number)
        gauge.set(number)
        seconds.observe(number / 2)
        mirror.copy()

    assert values(mirror) == {
        ("vllm:prompt_tokens_total", (("model_name", "a"),)): 3,
        ("vllm:num_requests_running", ()): 0,
        ("vllm:e2e_bucket", (("le", "1.0"),)): 3,
        ("vllm:e2e_bucket", (("le", "+Inf"),)): 3,
        ("vllm:e2e_count", ()): 3,
        ("vllm:e2e_sum", ()): 1.5,
    }


def test_a_series_that_is_gone_goes_metric_first_and_comes_back_from_nothing() -> None:
    registry = CollectorRegistry()
    gauge = Gauge("tandem:info", "text", ["mode"], registry=registry)
    gauge.labels("lookup").set(1)
    mirror = MetricsMirror(registry, Family)
    mirror.copy()
    Family.deleted.clear()
    gauge.remove("lookup")
    gauge.labels("trim").set(1)
    mirror.copy()

    assert Family.deleted == [("tandem:info", "metric"), ("tandem:info", "family")]
    assert values(mirror) == {("tandem:info", (("mode", "trim"),)): 1}
