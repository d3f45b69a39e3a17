"""What K=0 costs beside an engine of the same runner that has no draft. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from hack.gpu import parts
from hack.gpu.parts import Part
from hack.gpu.setup import setups
from tandem_operator.tuning.step_time.cells import bucket_of


class Row(NamedTuple):
    """One batch bucket: milliseconds a step that only decodes."""

    setup: str
    beside: str
    batch: float
    idle_ms: float
    off_ms: float


def rows_of(results: Mapping[Part, Mapping[str, Any]]) -> list[Row]:
    """Every setup that has steps at K=0, by batch buckets that both engines have."""
    rows = []
    for part, one in results.items():
        beside = setups.unaided(part.setup)
        off = results.get(Part(parts.STEPS, beside))
        if part.kind != parts.STEPS or part.setup == beside or off is None:
            continue
        idle, without = _at_zero(one), _at_zero(off)
        rows += [
            Row(part.setup, beside, batch, ms, without[bucket][1])
            for bucket, (batch, ms) in sorted(idle.items())
            if bucket in without
        ]
    return rows


def _at_zero(steps: Mapping[str, Any]) -> dict[int, tuple[float, float]]:
    """(mean batch, ms) by bucket of the steps at K=0."""
    return {
        bucket_of(one["batch"]): (one["batch"], one["ms"])
        for one in steps["steps"]
        if one["tokens"] == 0
    }
