"""Random numbers in blocks: one call into numpy for many steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_BLOCK = 65_536


class Draws:
    """Uniform and normal numbers from one generator, in a fixed order for a seed."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._uniform = self._rng.random(_BLOCK)
        self._at = 0
        self._normal: list[float] = []

    def uniform(self, count: int) -> Floats:
        if self._at + count > _BLOCK:
            self._uniform = self._rng.random(_BLOCK)
            self._at = 0
        values = self._uniform[self._at : self._at + count]
        self._at += count
        return values

    def one(self) -> float:
        """A uniform number: `uniform(1)` without an array."""
        if self._at == _BLOCK:
            return float(self.uniform(1)[0])
        self._at += 1
        return self._uniform.item(self._at - 1)

    def normal(self) -> float:
        if not self._normal:
            self._normal = self._rng.standard_normal(4096).tolist()
        return self._normal.pop()

    def gamma(self, shape: float, scale: float) -> float:
        return float(self._rng.gamma(shape, scale))

    def exponential(self) -> float:
        return float(self._rng.exponential())
