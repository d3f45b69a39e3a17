"""One metrics page of an engine, as samples by name.

A page of a serving engine is long and little of it matters. Lines of other series are dropped by
their beginning, before the grammar (label escapes, exponents) is left to prometheus_client.
"""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from tandem_operator.engines.metrics.page import Labels, Page

LARGEST_PAGE_BYTES = 16 * 1024 * 1024


class MalformedPageError(Exception):
    """The answer is not a page of metrics; the message says what it is instead."""


def parse(text: str, prefixes: tuple[str, ...]) -> Page:
    """The samples whose names begin with one of `prefixes`.

    Raises:
        MalformedPageError: HTML, binary, or lines that are no samples.
    """
    if text[:256].lstrip().startswith(("<", "{")):
        raise MalformedPageError(f"not a metrics page; it begins with {text.lstrip()[:40]!r}")
    kept = "\n".join(line for line in text.splitlines() if line.startswith(prefixes))
    samples: dict[str, list[tuple[Labels, float]]] = {}
    try:
        for family in text_string_to_metric_families(kept + "\n"):
            for sample in family.samples:
                samples.setdefault(sample.name, []).append((sample.labels, float(sample.value)))
    except (ValueError, IndexError, KeyError) as error:
        raise MalformedPageError(f"not a metrics page: {error}") from error
    return Page({name: tuple(found) for name, found in samples.items()})
