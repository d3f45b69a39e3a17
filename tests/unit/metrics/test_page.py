"""The reader of pages takes what prometheus_client takes, and means the same by it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from tandem_operator.metrics.page import MalformedPageError, parse

PREFIXES = ("vllm:",)
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
NUMBERS = st.floats(allow_nan=False)


def by_library(text: str) -> list[tuple[str, dict[str, str], float]]:
    return sorted(
        (
            (sample.name, dict(sample.labels), float(sample.value))
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if not sample.name.endswith("_bucket")
        ),
        key=repr,
    )


def by_us(
    text: str, prefixes: tuple[str, ...] = PREFIXES
) -> list[tuple[str, dict[str, str], float]]:
    page = parse(text, prefixes)
    metrics = [
        (name, dict(labels), value)
        for name, samples in page.samples.items()
        for labels, value in samples
    ]
    return sorted(metrics, key=repr)


@given(st.lists(st.tuples(TEXTS, TEXTS, NUMBERS), max_size=5), NUMBERS)
def test_what_the_library_writes_is_read_as_the_library_reads_it(
    labelled: list[tuple[str, str, float]], plain: float
) -> None:
    registry = CollectorRegistry()
    Gauge("vllm:plain", "-", registry=registry).set(plain)
    gauge = Gauge("vllm:labelled", "-", ["model_name", "segment"], registry=registry)
    for model, segment, value in labelled:
        gauge.labels(model, segment).set(value)
    Counter("vllm:steps", "-", registry=registry).inc(3)
    Histogram("vllm:seconds", "-", registry=registry).observe(0.25)
    text = generate_latest(registry).decode()

    assert by_us(text) == by_library(text)
    assert by_us(text, ("",)) == by_library(text)


@pytest.mark.parametrize(
    "line",
    [
        'vllm:a{x="1",} 2',
        'vllm:a{ x = "1" , y="}" } 2 1700000000000',
        "vllm:a{} 1e-5",
        "vllm:a +Inf",
        "vllm:a  3\t",
        r'vllm:a{x="C:\\dir\n\"quoted\""} 1',
    ],
)
def test_spellings_that_other_writers_use(line: str) -> None:
    assert by_us(line + "\n") == by_library(line + "\n")


def test_a_value_that_is_no_number_is_one() -> None:
    ((_, value),) = parse("vllm:a NaN\n", PREFIXES).all("vllm:a")
    assert math.isnan(value)


@pytest.mark.parametrize(
    "line",
    ["vllm:a", 'vllm:a{x="1} 2', "vllm:a one", "vllm:a{x=1} 2", "vllm:a 1 2 3", "vllm:a-b 1"],
)
def test_a_line_that_is_no_sample_is_told(line: str) -> None:
    with pytest.raises(MalformedPageError, match="not a metrics page"):
        parse(line + "\n", PREFIXES)


def test_buckets_are_left_out() -> None:
    text = 'vllm:a_bucket{le="1"} 7\nvllm:a_count 7\n'
    assert set(parse(text, PREFIXES).samples) == {"vllm:a_count"}
