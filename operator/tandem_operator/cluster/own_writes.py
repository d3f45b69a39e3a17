"""Which events are of the operator's own writes of status.

Such an event is often heard before the answer to its write, and would ask for a reconciliation that
finds nothing to do: two of the five that a new resource took.
"""

from __future__ import annotations

Key = tuple[str, str]
"""Namespace and name of a resource."""


class OwnWrites:
    """What is heard of a resource while a write of its status is on its way."""

    def __init__(self) -> None:
        self._heard: dict[Key, set[int]] = {}

    def begin(self, key: Key) -> None:
        """A write is sent now."""
        self._heard[key] = set()

    def hear(self, key: Key | None, version: int) -> bool:
        """Whether the event of that version waits for an answer, which says whose it is."""
        if key not in self._heard:
            return False
        self._heard[key].add(version)
        return True

    def end(self, key: Key, version: int | None) -> bool:
        """The answer is here, with the version that was written (None: it failed).

        Returns whether anything else was heard: nobody has been told of it.
        """
        return bool(self._heard.pop(key, set()) - {version})
