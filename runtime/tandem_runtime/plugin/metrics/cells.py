"""Step cells: time of the steps of one kind, by batch bucket, K, with or without prefill.

The one rule of which steps count, for the engine's counters and for the simulator's.
"""

from __future__ import annotations

from tandem_runtime.contract.metrics import CELL_SERIES, batch_edge
from tandem_runtime.plugin.depth.lookup import PREFILL_TOKENS

CELL_PARTS = tuple(CELL_SERIES)

CellKey = tuple[int, int, int]
"""Lower edge of the batch bucket, K, 1 with prefill and 0 without."""


class StepCells:
    """Sums since the process began, in the order of `CELL_PARTS`."""

    def __init__(self) -> None:
        self.sums: dict[CellKey, list[float]] = {}

    def add(
        self,
        *,
        batch: int,
        depth: int,
        drafting: int,
        steady: bool,
        seconds: float,
        context_tokens: float,
        prefill_tokens: int,
        verified_tokens: int,
    ) -> None:
        """Count a step that verified `depth` drafts a request and drafted `drafting` again.

        `steady`: the step before had the same batch. A step's time belongs to one K only where it
        verified and drafted the same one. A step with few prefill tokens is of neither kind.
        """
        if depth != drafting or 0 < prefill_tokens < PREFILL_TOKENS:
            return
        if not (steady or prefill_tokens):
            return
        key = (batch_edge(batch), depth, 1 if prefill_tokens else 0)
        sums = self.sums.get(key)
        if sums is None:
            sums = self.sums[key] = [0.0] * len(CELL_PARTS)
        sums[0] += 1
        sums[1] += seconds
        sums[2] += seconds * seconds
        sums[3] += batch
        sums[4] += context_tokens
        sums[5] += prefill_tokens
        sums[6] += verified_tokens
