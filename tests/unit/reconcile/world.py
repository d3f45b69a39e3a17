"""A clock that tests move, and an API server in memory that answers the operator's few calls."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tandem_operator.cluster.kinds import POD_MONITOR, Kind
from tandem_operator.reconcile.requests.errors import (
    AbsentError,
    LeavingError,
    NotLeadingError,
    RefusedError,
    RetryError,
)

Object = dict[str, Any]
NAMESPACE = "serving"
KEY = (NAMESPACE, "chat")


class HandClock:
    """Stands until a test moves it."""

    def __init__(self, now_s: float = 1_000.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        return self._now_s

    def move(self, seconds: float) -> None:
        self._now_s += seconds


class Server:
    """Objects by kind and name in one namespace, with UIDs and resourceVersions.

    `down` makes each call fail as an unreachable server does; `refuse` answers writes of a kind
    with a code and a message, `fail` so that they may be tried again; `leaving` is what a namespace
    answers that is being deleted, `refusals` how often it did; `sent` lists the writes that were
    taken, oldest first; `served` are the optional kinds.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.sent: list[str] = []
        self.refuse: dict[str, tuple[int, str]] = {}
        self.fail: dict[str, tuple[int | None, str]] = {}
        self.leaving = False
        self.refusals = 0
        self.down = False
        self.served: set[Kind] = set()
        self._serial = 0

    def put(self, body: Object) -> Object:
        """An object appears or changes by somebody else's hand."""
        place = (body["kind"], body["metadata"]["name"])
        before = self.objects.get(place)
        body = copy.deepcopy(body)
        metadata = body["metadata"]
        metadata["namespace"] = NAMESPACE
        if before is not None:
            metadata["uid"] = before["metadata"]["uid"]
        self._serial += 1
        metadata.setdefault("uid", f"uid-{self._serial}")
        metadata["resourceVersion"] = str(self._serial)
        self.objects[place] = body
        return copy.deepcopy(body)

    def get(self, kind: str, name: str) -> Object | None:
        self._reach()
        return copy.deepcopy(self.objects.get((kind, name)))

    def all_of(self, kind: str) -> list[Object]:
        self._reach()
        return [copy.deepcopy(raw) for (each, _), raw in self.objects.items() if each == kind]

    def serves(self, kind: Kind) -> bool:
        self._reach()
        return kind in self.served

    def write(self, verb: str, body: Object) -> Object:
        """What the operator writes; its UID and resourceVersion are preconditions."""
        self._reach()
        kind, metadata = body["kind"], body["metadata"]
        if kind == POD_MONITOR.kind and POD_MONITOR not in self.served:
            raise AbsentError("404: page not found")
        if kind in self.refuse:
            raise RefusedError(*self.refuse[kind])
        if kind in self.fail:
            code, message = self.fail[kind]
            raise RetryError(message, code)
        before = self.objects.get((kind, metadata["name"]))
        if before is None and self.leaving:
            self.refusals += 1
            raise LeavingError("the namespace is being terminated")
        for field in ("uid", "resourceVersion"):
            wanted = metadata.get(field)
            if wanted is not None and (before is None or before["metadata"][field] != wanted):
                raise RetryError(f"409: {field} of {kind} {metadata['name']} is another")
        self.sent.append(f"{verb} {kind} {metadata['name']}")
        if before is not None and _content(before) == _content(body):
            return copy.deepcopy(before)
        return self.put(body)

    def remove(self, kind: str, name: str, uid: str) -> None:
        self._reach()
        if kind in self.refuse:
            raise RefusedError(*self.refuse[kind])
        before = self.objects.get((kind, name))
        if before is not None and before["metadata"]["uid"] != uid:
            raise RetryError(f"409: uid of {kind} {name} is another")
        self.sent.append(f"delete {kind} {name}")
        self.objects.pop((kind, name), None)

    def _reach(self) -> None:
        if self.down:
            raise RetryError("the API server cannot be reached")


class Hands:
    """The calls of `reconcile.client.Client`, upon a Server in memory.

    `leads` is asked before each write but those of the Lease.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self.leads = True

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return self.server.get(kind.kind, name)

    async def list(
        self, kind: Kind, namespace: str | None, selector: str = "", limit: int | None = None
    ) -> list[Object]:
        """Objects that carry the label of the selector, in the one namespace that there is."""
        return [
            raw
            for raw in self.server.all_of(kind.kind)
            if namespace in (None, NAMESPACE)
            and (not selector or selector in raw["metadata"].get("labels", {}))
        ]

    async def served(self, kind: Kind) -> bool:
        return self.server.serves(kind)

    async def apply(self, body: Object, *, force: bool) -> Object:
        self._may_write()
        return self.server.write("force" if force else "apply", body)

    async def apply_status(self, body: Object) -> Object:
        self._may_write()
        existing = self.server.get(body["kind"], body["metadata"]["name"]) or {}
        return self.server.write("status", {**existing, "status": body["status"]})

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        self._may_write()
        self.server.remove(kind.kind, name, uid)

    async def annotate_pod(
        self, namespace: str, name: str, uid: str, annotations: Mapping[str, str]
    ) -> Object | None:
        self._may_write()
        pod = self.server.get("Pod", name)
        if pod is None or pod["metadata"]["uid"] != uid:
            return None
        pod["metadata"]["annotations"] = dict(annotations)
        return self.server.write("annotate", pod)

    async def create_event(self, namespace: str, body: Object) -> None:
        self._may_write()
        self.server.write("create", body)

    async def get_lease(self, namespace: str, name: str) -> Object | None:
        return self.server.get("Lease", name)

    async def put_lease(self, namespace: str, name: str, body: Object) -> Object:
        return self.server.write("put", body)

    def _may_write(self) -> None:
        if not self.leads:
            raise NotLeadingError("not the leader")


def _content(body: Object) -> Object:
    given = ("uid", "resourceVersion", "namespace")
    metadata = {key: value for key, value in body["metadata"].items() if key not in given}
    return {**body, "metadata": metadata}
