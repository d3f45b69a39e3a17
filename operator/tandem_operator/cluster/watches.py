"""All watches of the process, and what their state means: synced, ready, stuck, blind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from tandem_operator.clock import Clock
from tandem_operator.cluster.kinds import CHILDREN, RESOURCE
from tandem_operator.cluster.store import Key, Store
from tandem_operator.cluster.streams import Streams
from tandem_operator.cluster.watch import Watch

LISTS_AT_ONCE = 10
STALE_S = 180.0
"""Age at which a watch is taken for dead: streams are opened again after 70 s without a word."""
STUCK_S = 300.0
"""Age at which a watch that nobody refuses ends the process, while others hear."""


class Watches:
    """One watch for each kind in each namespace. `namespaces` empty: one each for all of them.

    `synced` is set once, when every namespace was listed or refused and one at least is whole.
    A namespace that is refused is left out and tried again; the others do not wait for it.
    """

    def __init__(
        self,
        store: Store,
        seen: Callable[[Key], None],
        seen_together: Callable[[Key], None],
        clock: Clock,
        namespaces: Sequence[str],
        streams: Streams | None = None,
    ) -> None:
        self._store = store
        self._seen = seen
        self._seen_together = seen_together
        self.synced = asyncio.Event()
        gate = asyncio.Semaphore(LISTS_AT_ONCE)
        opened = streams or Streams()
        scopes: tuple[str | None, ...] = tuple(namespaces) or (None,)
        self._of: dict[str | None, tuple[Watch, ...]] = {
            namespace: tuple(
                Watch(
                    kind,
                    namespace,
                    streams=opened,
                    store=store,
                    heard=self,
                    clock=clock,
                    spread=lambda: random.uniform(0.8, 1.2),  # noqa: S311
                    gate=gate,
                )
                for kind in (RESOURCE, *CHILDREN)
            )
            for namespace in scopes
        }

    @property
    def all(self) -> tuple[Watch, ...]:
        return tuple(watch for watches in self._of.values() for watch in watches)

    async def run(self) -> None:
        """Until cancelled. Raises what ends a watch although nothing should: a bug."""
        async with asyncio.TaskGroup() as group:
            for watch in self.all:
                group.create_task(watch.run())

    def seen(self, key: Key) -> None:
        self._seen(key)

    def seen_together(self, key: Key) -> None:
        self._seen_together(key)

    def changed(self, watch: Watch) -> None:
        """A watch began or ceased to see: its resources may do more now, or less."""
        known = all(each.listed or each.refused for each in self.all)
        if known and any(self._whole(namespace) for namespace in self._of):
            self.synced.set()
        for key in self._store.known():
            if watch.namespace in (None, key[0]):
                self._seen(key)

    def blind(self, namespace: str) -> str | None:
        """Why nothing may be done in the namespace: absence is no fact there. None: it is."""
        for watch in self._in(namespace):
            if watch.blind and watch.kind.definition is None:
                return f"the operator cannot watch {watch}: {watch.words}"
        return None

    def unserved(self, namespace: str) -> dict[str, str]:
        """Why nothing of a kind can be made or seen there, by the kinds of which that is so."""
        return {
            watch.kind.kind: f"the operator cannot watch {watch}: {watch.words}"
            if watch.blind
            else "the cluster does not serve it"
            for watch in self._in(namespace)
            if watch.absent or (watch.blind and watch.kind.definition is not None)
        }

    def _in(self, namespace: str) -> tuple[Watch, ...]:
        return self._of.get(namespace) or self._of.get(None) or ()

    def unready(self) -> str | None:
        """Why the process is of no use: it hears nothing that it needs, in any namespace."""
        if not self.synced.is_set():
            late = next((each for each in self.all if not each.listed), None)
            return (
                f"the first listing is not complete: {late}: {late.words}" if late else "starting"
            )
        if not any(self._whole(namespace) for namespace in self._of):
            down = next(each for each in self.all if each.words is not None)
            return f"no namespace is watched: {down}: {down.words}"
        for watch in self.all:
            if not watch.refused and watch.age_s > STALE_S:
                return f"{watch}: nothing was heard for {watch.age_s:.0f} s"
        return None

    def stuck(self) -> str | None:
        """A watch that is dead although the API server answers others: a new process may hear."""
        if min(watch.age_s for watch in self.all) > STALE_S:
            return None  # the API server is away: a new process would not hear more
        for watch in self.all:
            if not watch.refused and watch.age_s > STUCK_S:
                return f"{watch}: nothing was heard for {watch.age_s:.0f} s, and others hear"
        return None

    def _whole(self, namespace: str | None) -> bool:
        """An optional kind counts as seen where it is refused: without it all else can be done."""
        return all(
            not watch.blind or (watch.refused and watch.kind.definition is not None)
            for watch in self._of[namespace]
        )
