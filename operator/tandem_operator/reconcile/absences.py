"""Objects that ended while nobody watched.

A watch that was broken for longer than the API server keeps its history begins with a new listing,
which says what there is and not what is gone. `app` asks for a sweep every few minutes, so that
nothing is planned around an object that is no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tandem_operator.observe.kinds import CHILDREN, RESOURCE, SELECTOR, Kind
from tandem_operator.observe.store import Key, Store
from tandem_operator.reconcile.client import Client

Object = dict[str, Any]


class Absences:
    """Compares the store with what the API server lists. `namespaces` empty: all."""

    def __init__(self, client: Client, store: Store, namespaces: Sequence[str]) -> None:
        self._client = client
        self._store = store
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)

    async def sweep(self) -> set[Key]:
        """Forget what is gone; returns the resources that want a look because of it.

        Raises RetryError or RefusedError; what was found until then stays forgotten.
        """
        changed = await self._swept(RESOURCE, "", self._store.drop_resource)
        for kind in CHILDREN:
            changed |= await self._swept(kind, SELECTOR, self._store.drop)
        return changed

    async def _swept(
        self, kind: Kind, selector: str, drop: Callable[[Object], Key | None]
    ) -> set[Key]:
        # Read before the listing: what appears meanwhile is no suspect.
        held = self._store.watched(kind.kind)
        if not held:
            return set()
        listed: set[str] = set()
        for namespace in self._namespaces:
            listed |= await self._client.uids(kind, namespace, selector)
        keys = {drop(raw) for raw in held if raw["metadata"]["uid"] not in listed}
        return {key for key in keys if key is not None}
