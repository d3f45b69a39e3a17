"""Prompt lookup: what followed the last time that the newest tokens stood in the text."""

from __future__ import annotations

from collections.abc import Sequence as Listed
from weakref import WeakKeyDictionary

from tandem_runtime.engine.drafters.drafter import Wish
from tandem_runtime.engine.sequence import Sequence
from tandem_runtime.engine.settings import SettingsError
from tandem_runtime.engine.verification import NO_DRAFT, Draft


class _Index:
    """Where each run of `shortest` to `longest` tokens ended last, for one request."""

    def __init__(self) -> None:
        self.ends: dict[tuple[int, ...], int] = {}
        self.read = 0


class NGram:
    """The longest run wins; each token is read once in a request's life."""

    def __init__(self, shortest: int, longest: int) -> None:
        """Bounds in tokens. Raises SettingsError when no length lies between them."""
        if not 1 <= shortest <= longest:
            raise SettingsError(
                f"--prompt-lookup-min {shortest} and --prompt-lookup-max {longest}: the first must "
                "be at least 1 and at most the second"
            )
        self._lengths = range(shortest, longest + 1)
        self._indexes: WeakKeyDictionary[Sequence, _Index] = WeakKeyDictionary()

    def propose(self, wishes: Listed[Wish], budget: int) -> list[Draft]:
        """As `Drafter.propose`; costs no pass, so the budget is not needed."""
        return [self._draft(wish) for wish in wishes]

    def accepted(self, sequence: Sequence, drafted: int, stayed: int) -> None:
        """Nothing is kept of a draft."""

    def _draft(self, wish: Wish) -> Draft:
        tokens = wish.sequence.tokens
        index = self._indexes.setdefault(wish.sequence, _Index())
        # A run that ends with the newest token has no continuation yet.
        for end in range(index.read, len(tokens) - 1):
            for length in self._lengths:
                if length <= end + 1:
                    index.ends[tuple(tokens[end + 1 - length : end + 1])] = end + 1
        index.read = max(len(tokens) - 1, index.read)
        for length in reversed(self._lengths):
            follows = index.ends.get(tuple(tokens[-length:]))
            if length <= len(tokens) and follows is not None:
                return Draft(tokens[follows : follows + wish.tokens])
        return NO_DRAFT
