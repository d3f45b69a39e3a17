"""PodMonitors: a kind that a cluster may or may not serve, so nobody watches it.

`app` refreshes it every few minutes, and asks for reconciliations of what came of it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from tandem_operator.cluster.kinds import POD_MONITOR, SELECTOR
from tandem_operator.cluster.store import Key, Store
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RefusedError

LOG = logging.getLogger(__name__)
Object = dict[str, Any]


class PodMonitors:
    """Whether the kind is served, and what of it stands. `namespaces` empty: all."""

    def __init__(self, client: Client, store: Store, namespaces: Sequence[str]) -> None:
        self._client = client
        self._store = store
        self._namespaces: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._served = False

    @property
    def served(self) -> bool:
        return self._served

    def gone(self) -> None:
        """A write found the kind absent: want none until it is found again."""
        self._served = False

    async def refresh(self) -> set[Key]:
        """List them into the store; returns the resources to reconcile because of it.

        Raises RetryError; what was known then stays, as it does in a namespace that is refused.
        """
        served = await self._client.served(POD_MONITOR)
        monitors: list[Object] = []
        for namespace in self._namespaces if served else ():
            try:
                monitors += await self._client.list(POD_MONITOR, namespace, selector=SELECTOR)
            except RefusedError as refused:
                # An optional kind: without the right to it the operator does everything else.
                LOG.warning("PodMonitors in %s: %s", namespace or "all namespaces", refused)
                monitors += self._store.watched(POD_MONITOR.kind, namespace)
        changed = self._store.replace(POD_MONITOR.kind, monitors)
        if served != self._served:
            self._served = served
            changed |= set(self._store.known())
        return changed
