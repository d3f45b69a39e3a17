"""Writes status: about once a second for one resource, and as far as the definition goes."""

from __future__ import annotations

import copy
import logging
import re
from typing import Any

from tandem_operator.api import names
from tandem_operator.clock import Clock
from tandem_operator.cluster.packed import version_of
from tandem_operator.cluster.store import Key, Store
from tandem_operator.reconcile.requests.client import Client
from tandem_operator.reconcile.requests.errors import RefusedError, RetryError

Object = dict[str, Any]
LOG = logging.getLogger(__name__)

MOST = 3
WITHIN_S = 3.0
"""Once a second on average; a few steps that follow each other quickly are told at once."""
COUNTS_EVERY_S = 1.0
"""How often counts and words are told while no condition changes: a rollout is many small steps."""
LEARNED_FOR_S = 600.0
"""The definition may be another after this time, so that everything is told again."""
UNDECLARED = re.compile(r"\.status\.([A-Za-z0-9.]+): field not declared in schema")


class StatusWriter:
    """The only writer of status.

    A definition of another release may lack a field that this one tells. Then it is left out, and
    said once: `undeclared` are the fields that the API server does not know.
    """

    def __init__(self, client: Client, store: Store, clock: Clock) -> None:
        self._client = client
        self._store = store
        self._clock = clock
        self._written_s: dict[Key, tuple[float, ...]] = {}
        self._waiting: dict[Key, float] = {}
        """Of each that was too early, when it may be written."""
        self._learned_s = 0.0
        self.undeclared: set[str] = set()

    async def write(self, key: Key, resource: Object, status: Object) -> bool:
        """Whether it was written; False: too early, see `due_s`. Raises RetryError and others."""
        free_s = self._free_s(key, _is_transition(resource.get("status") or {}, status))
        if self._clock.now_s() < free_s:
            self._waiting[key] = free_s
            return False
        self._waiting.pop(key, None)
        if self._clock.now_s() >= self._learned_s + LEARNED_FOR_S:
            self.undeclared.clear()
        declared = self._declared(status)
        if declared == resource.get("status"):
            return True  # all that differs is what the definition does not know
        metadata = resource["metadata"]
        body = {
            "apiVersion": names.API_VERSION,
            "kind": names.KIND,
            "metadata": {
                "name": metadata["name"],
                "namespace": metadata["namespace"],
                "uid": metadata["uid"],
            },
            "status": declared,
        }
        try:
            answer = await self._send(key, body)
        except (RefusedError, RetryError) as error:
            if not self._learned(error.message):
                raise
            return await self.write(key, resource, status)
        before = self._written_s.get(key, ())
        self._written_s[key] = (*before, self._clock.now_s())[-MOST:]
        self._store.put_resource(answer)
        return True

    async def _send(self, key: Key, body: Object) -> Object:
        """The answer. What else was heard in the meantime wants a reconciliation at once."""
        version = None
        self._store.own_writes.begin(key)
        try:
            answer = await self._client.apply_status(body)
            version = version_of(answer)
        finally:
            if self._store.own_writes.end(key, version):
                self._waiting[key] = self._clock.now_s()
        return answer

    def settled(self, key: Key) -> None:
        """Status is as it should be: what was too early came to nothing."""
        self._waiting.pop(key, None)

    def due_s(self, key: Key) -> float | None:
        """Seconds until a status that was too early may be written; None: there is none."""
        if key not in self._waiting:
            return None
        return max(0.0, self._waiting[key] - self._clock.now_s())

    def _free_s(self, key: Key, transition: bool) -> float:
        """When the next write may be."""
        written_s = self._written_s.get(key)
        if not written_s:
            return 0.0
        counts_s = 0.0 if transition else written_s[-1] + COUNTS_EVERY_S
        return counts_s if len(written_s) < MOST else max(counts_s, written_s[0] + WITHIN_S)

    def forget(self, key: Key) -> None:
        self._written_s.pop(key, None)
        self._waiting.pop(key, None)

    def _declared(self, status: Object) -> Object:
        kept = copy.deepcopy(status)
        for path in self.undeclared:
            *parents, last = path.split(".")
            holder: Any = kept
            for part in parents:
                holder = holder.get(part, {})
            holder.pop(last, None)
        return kept

    def _learned(self, message: str) -> bool:
        """Whether the message tells of a field that can be left out."""
        fresh = set(UNDECLARED.findall(message)) - self.undeclared
        self.undeclared |= fresh
        self._learned_s = self._clock.now_s()
        for path in sorted(fresh):
            LOG.warning(
                "the definition of %s does not know status.%s, so it is not told: apply the crds/ "
                "of this release",
                names.KIND,
                path,
            )
        return bool(fresh)


def _is_transition(before: Object, after: Object) -> bool:
    """Whether something is told that somebody waits for, and not how far it has come."""
    return _conditions(before) != _conditions(after)


def _conditions(status: Object) -> tuple[object, list[tuple[object, ...]]]:
    compared = ("type", "status", "reason")
    listed = [tuple(each.get(name) for name in compared) for each in status.get("conditions") or ()]
    return status.get("observedGeneration"), listed
