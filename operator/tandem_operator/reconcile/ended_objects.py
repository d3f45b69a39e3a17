"""When this process first saw that an object had ended, by its own clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from tandem_operator.cluster.store import Key
from tandem_operator.planning import ended_objects

Object = dict[str, Any]


class EndedObjects:
    """Kept while the object stands. After a restart the times begin again: what is due comes later
    than it could, never sooner."""

    def __init__(self) -> None:
        self._ends: dict[Key, dict[str, datetime]] = {}

    def see(
        self, key: Key, resource: Object, objects: Iterable[Object], now: datetime
    ) -> Mapping[str, datetime]:
        """The times of all that has ended, `now` for what had not when last seen."""
        before = self._ends.get(key, {})
        ended = {uid: before.get(uid, now) for uid in ended_objects.ended(resource, objects)}
        if ended:
            self._ends[key] = ended
        else:
            self._ends.pop(key, None)
        return ended

    def forget(self, key: Key) -> None:
        self._ends.pop(key, None)
