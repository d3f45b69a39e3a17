"""What every drafter offers."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from typing import NamedTuple, Protocol

from tandem_runtime.engine.sequence import Sequence
from tandem_runtime.engine.verification import Draft


class Wish(NamedTuple):
    """A request and how many tokens to draft for it, at least 1; its blocks hold that many more."""

    sequence: Sequence
    tokens: int


class Drafter(Protocol):
    """Proposes tokens for requests that decode. Called only where K is above 0."""

    def propose(self, wishes: Listed[Wish], budget: int) -> list[Draft]:
        """A draft for each wish, possibly shorter or empty.

        `budget`: tokens that may be computed to catch up with what a request was given meanwhile.
        """
        ...

    def accepted(self, sequence: Sequence, drafted: int, stayed: int) -> None:
        """Of the `drafted` tokens that this step proposed, the first `stayed` stayed."""
        ...
