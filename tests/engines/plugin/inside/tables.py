"""The tables of tests in a real scheduler, and the two schedulers that there are."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_runtime.contract.table import Range, SpeculationTable

BOTH = pytest.mark.parametrize("asynchronous", [False, True], ids=["plain", "async"])


def table(generation: int = 1, depth: int = 5, **changes: Any) -> SpeculationTable:
    changes.setdefault("schedule", (Range(1, 64, depth),))
    return SpeculationTable(lock="", generation=generation, **changes)
