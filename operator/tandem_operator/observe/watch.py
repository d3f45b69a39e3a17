"""kopf's watches, wired to the store: indexers fill it, handlers ask for a look."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from tandem_operator.observe.kinds import CHILDREN, RESOURCE, SELECTOR, Kind
from tandem_operator.observe.store import Key, Store

Seen = Callable[[Key], Awaitable[None]]


def watch_settings() -> kopf.OperatorSettings:
    """Streams that notice their death, lists in chunks, and only objects with our label."""
    settings = kopf.OperatorSettings()
    settings.watching.inactivity_timeout = 70
    settings.watching.chunk_size = 500
    settings.watching.connect_timeout = 10
    settings.networking.request_timeout = 60
    settings.queueing.idle_timeout = 1
    settings.posting.enabled = False
    settings.scanning.disabled = True
    for kind in CHILDREN:
        settings.watching.label_selectors[kind.group, kind.version, kind.plural] = SELECTOR
    return settings


def registry_of(store: Store, seen: Seen) -> kopf.OperatorRegistry:
    """Handlers for the resource and its children. `seen` is called with the key of each event.

    An indexer runs before the event's handler, and during the first listing before any handler at
    all; so objects enter the store there, and leave it in the handler.
    """
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(_login)
    _watch(registry, RESOURCE, store.put_resource, store.drop_resource, seen)
    for kind in CHILDREN:
        _watch(registry, kind, _put(store, kind), _dropped(store, kind), seen)
    return registry


async def _login(**given: Any) -> kopf.ConnectionInfo | None:
    """The pod's service account, else the kubeconfig; kopf asks again when it is refused.

    In a pod the API server is reached at the address that the kubelet gives, as client-go does:
    the operator must work while the cluster's DNS does not.
    """
    found = kopf.login_with_service_account(**given)
    if found is None:
        return kopf.login_with_kubeconfig(**given)
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{word}", "") for word in ("HOST", "PORT"))
    if not host:
        return found
    address = f"[{host}]" if ":" in host else host
    return dataclasses.replace(found, server=f"https://{address}:{port or 443}")


def _watch(
    registry: kopf.OperatorRegistry,
    kind: Kind,
    put: Callable[[dict[str, Any]], Key | None],
    dropped: Callable[[dict[str, Any]], Key | None],
    seen: Seen,
) -> None:
    where = (kind.group, kind.version, kind.plural)

    def index(body: kopf.Body, **_: object) -> None:
        put(_raw(body, kind))

    async def event(event: kopf.RawEvent, **_: object) -> None:
        raw = _raw(event["object"], kind)
        key = dropped(raw) if event["type"] == "DELETED" else put(raw)
        if key is not None:
            await seen(key)

    kopf.index(*where, id=f"index-{kind.plural}", registry=registry)(index)
    kopf.on.event(*where, id=f"event-{kind.plural}", registry=registry)(event)


def _raw(body: Any, kind: Kind) -> dict[str, Any]:
    return {**dict(body), "apiVersion": kind.api_version, "kind": kind.kind}


def _put(store: Store, kind: Kind) -> Callable[[dict[str, Any]], Key | None]:
    return lambda raw: store.put(raw)


def _dropped(store: Store, kind: Kind) -> Callable[[dict[str, Any]], Key | None]:
    return lambda raw: store.drop(raw)
