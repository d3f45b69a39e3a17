"""One mechanism of the tuner and how it is switched off from outside."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from unittest.mock import patch

Swap = tuple[ModuleType, str, Any]
"""Module, name in it, and what the name stands for while the mechanism is off."""


@dataclass(frozen=True)
class Mechanism:
    """``code``: what could be deleted with it; ``stock_only``: only stock counters reach it."""

    name: str
    swaps: tuple[Swap, ...]
    code: tuple[Any, ...] = ()
    stock_only: bool = False

    @property
    def lines(self) -> int:
        """Lines of its own functions, classes and modules; 0 for a single constant."""
        return sum(len(inspect.getsourcelines(part)[0]) for part in self.code)

    @contextmanager
    def off(self) -> Iterator[None]:
        """The tuner without it."""
        with ExitStack() as stack:
            for module, name, value in self.swaps:
                stack.enter_context(patch.object(module, name, value))
            yield


WHOLE = Mechanism("nothing", ())


def together(mechanisms: Sequence[Mechanism]) -> Mechanism:
    """One that switches all of them off."""
    return Mechanism(
        " + ".join(one.name for one in mechanisms),
        tuple(swap for one in mechanisms for swap in one.swaps),
        tuple(part for one in mechanisms for part in one.code),
        all(one.stock_only for one in mechanisms),
    )
