"""A matrix product that gives a row the same bits whatever rows stand beside it.

Verifying K drafted tokens at once must give what one token at a time gives. BLAS chooses another
order of summation for each number of rows; oneDNN on weights packed beforehand does not (but for a
single row), and needs a fraction of the time for the few rows of a decoding step.
"""

from __future__ import annotations

import torch
from torch.nn import functional

_PACKED_FOR_ROWS = 32


class Linear:
    """y = x Wᵀ + b for x of shape (rows, inputs)."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
        """`weight` is (outputs, inputs); in float32 on a CPU it is packed once, here."""
        self._packed = weight.device.type == "cpu" and weight.dtype is torch.float32
        self._bias = bias
        self._weight = (
            torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _PACKED_FOR_ROWS)
            if self._packed
            else weight
        )

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """The product, (rows, outputs)."""
        if not self._packed:
            return functional.linear(rows, self._weight, self._bias)
        missing = _computed_rows(len(rows)) - len(rows)
        several = functional.pad(rows, (0, 0, 0, missing)) if missing else rows
        product = torch.ops.mkldnn._linear_pointwise(
            several, self._weight, self._bias, "none", [], ""
        )
        return product[: len(rows)]


def _computed_rows(rows: int) -> int:
    """How many rows are computed for so many.

    oneDNN makes a kernel of half a MiB for each number of rows of each weight and keeps the last
    1,024, so large numbers are rounded up. One row alone would be another kernel, with another
    order of summation.
    """
    step = 1 if rows <= 32 else 8 if rows <= 128 else 32
    return max(2, -(-rows // step) * step)
