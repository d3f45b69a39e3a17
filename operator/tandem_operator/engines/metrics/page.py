"""The samples of one metrics page, as a driver reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Labels = Mapping[str, str]
Samples = tuple[tuple[Labels, float], ...]


@dataclass(frozen=True)
class Page:
    """Samples by full name, in the order of the page."""

    samples: Mapping[str, Samples]

    def first(self, names: Iterable[str], labels: Labels | None = None) -> Samples | None:
        """Samples of the first of `names` that occurs with all of `labels`; None: none does."""
        wanted = (labels or {}).items()
        for name in names:
            matches = tuple(
                (at, value) for at, value in self.samples.get(name, ()) if wanted <= at.items()
            )
            if matches:
                return matches
        return None

    def total(self, names: Iterable[str], labels: Labels | None = None) -> float | None:
        """The sum over what `first` gives; None where it gives nothing."""
        matches = self.first(names, labels)
        return None if matches is None else sum(value for _, value in matches)

    def by_label(
        self, names: Iterable[str], label: str, labels: Labels | None = None
    ) -> dict[str, float] | None:
        """Sums by the value of `label` over what `first` gives; None where it gives nothing."""
        matches = self.first(names, labels)
        if matches is None:
            return None
        sums: dict[str, float] = {}
        for at, value in matches:
            key = at.get(label, "")
            sums[key] = sums.get(key, 0.0) + value
        return sums

    def all(self, name: str) -> Samples:
        """Every sample of one name."""
        return self.samples.get(name, ())
