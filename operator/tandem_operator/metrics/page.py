"""One metrics page of an engine, as samples by name.

A page of a serving engine is long and little of it matters. Lines of other series are dropped by
their beginning, before the grammar (label escapes, exponents) is left to prometheus_client.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

LARGEST_PAGE_BYTES = 16 * 1024 * 1024

Labels = Mapping[str, str]


class MalformedPageError(Exception):
    """The answer is not a page of metrics; the message says what it is instead."""


@dataclass(frozen=True)
class Page:
    """Samples by full name, in the order of the page."""

    samples: Mapping[str, tuple[tuple[Labels, float], ...]]

    def total(self, names: Iterable[str]) -> float | None:
        """The sum over all label sets of the first of `names` that occurs; None: none does."""
        for name in names:
            found = self.samples.get(name)
            if found is not None:
                return sum(value for _, value in found)
        return None

    def by_label(self, names: Iterable[str], label: str) -> dict[str, float] | None:
        """Sums by the value of one label, of the first of `names` that occurs."""
        for name in names:
            found = self.samples.get(name)
            if found is None:
                continue
            sums: dict[str, float] = {}
            for labels, value in found:
                key = labels.get(label, "")
                sums[key] = sums.get(key, 0.0) + value
            return sums
        return None

    def all(self, name: str) -> tuple[tuple[Labels, float], ...]:
        """Every sample of one name."""
        return self.samples.get(name, ())


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
