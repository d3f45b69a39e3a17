"""Lists and watch streams of one kind in one namespace, by kopf's client.

kopf knows credentials, chunks, bookmarks and streams that die without a word. Its operator is not
used: it keeps what it does not need to know about each object, and one watch that fails ends all.
Only this file knows kopf.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
from collections.abc import AsyncIterator
from typing import Any, cast

import aiohttp
import kopf
from kopf._cogs.clients import auth, errors, fetching, watching
from kopf._cogs.structs import credentials, references

from tandem_operator.cluster.kinds import CHILDREN, SELECTOR, Kind

Object = dict[str, Any]
LOG = logging.getLogger("kopf.tandem")
SILENCE_S = 70.0
"""A stream that brings nothing for so long is opened anew; a bookmark comes every minute."""

CHUNK = 500
"""Objects of one answer of a list."""


class StreamError(Exception):
    """No list or watch now. `code` is the HTTP status of an answer; None: there was none."""

    def __init__(self, code: int | None, message: str) -> None:
        super().__init__(message if code is None else f"{code}: {message}")
        self.code = code

    @property
    def refused(self) -> bool:
        """The API server understood and said no: the right is missing, or the kind is."""
        return self.code in (403, 404)


class Stream:
    """One connection with its own credentials, for one list and the watch that follows it."""

    def __init__(self, settings: kopf.OperatorSettings) -> None:
        self._settings = settings

    async def pages(self, kind: Kind, namespace: str | None) -> AsyncIterator[list[Object]]:
        """Everything that stands, in chunks; `version` is then where a watch goes on.

        Raises StreamError (410 too: a page came too late).
        """
        with _translated():
            async for items, version in fetching.fetch_objs(
                logger=LOG,
                settings=self._settings,
                resource=_resource(kind),
                namespace=cast(Any, namespace),
            ):
                self.version = version
                yield [_typed(cast(Object, item), kind) for item in items]

    async def events(
        self, kind: Kind, namespace: str | None, version: str
    ) -> AsyncIterator[tuple[str, Object]]:
        """Type and object of each event, bookmarks too, until the stream ends for any reason.

        Raises StreamError, with 410 where the history is no longer kept.
        """
        with _translated():
            async for event in watching.watch_objs(
                settings=self._settings,
                resource=_resource(kind),
                namespace=cast(Any, namespace),
                since=version,
                operator_pause_waiter=asyncio.Future(),
            ):
                said: Object = cast(Object, event["object"])
                if event["type"] == "ERROR":
                    raise StreamError(said.get("code"), str(said.get("message", said)))
                yield str(event["type"]), _typed(said, kind)


class Streams:
    """Opens streams. Credentials are read anew for each, as tokens are renewed on disk."""

    def __init__(self, chunk: int = CHUNK) -> None:
        self._settings = _settings()
        self._settings.watching.chunk_size = chunk

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Stream]:
        """A stream for the task that asks. Raises StreamError where nothing can log in."""
        with _translated():
            vault = credentials.Vault({"tandem": await self._login()})
        token = auth.vault_var.set(vault)
        # kopf would wait for other credentials after a 401; there are none but by opening anew.
        refusing = asyncio.create_task(_refuse(vault))
        try:
            yield Stream(self._settings)
        finally:
            refusing.cancel()
            auth.vault_var.reset(token)
            await vault.close()

    async def _login(self) -> kopf.ConnectionInfo:
        """The pod's service account, else the kubeconfig.

        In a pod the API server is reached at the address that the kubelet gives, as client-go
        does: the operator must work while the cluster's DNS does not.
        """
        found = kopf.login_with_service_account(settings=self._settings)
        if found is None:
            local = kopf.login_with_kubeconfig(settings=self._settings)
            if local is None:
                raise StreamError(None, "there is neither a service account nor a kubeconfig")
            return local
        host, port = (os.environ.get(f"KUBERNETES_SERVICE_{word}", "") for word in ("HOST", "PORT"))
        if not host:
            return found
        address = f"[{host}]" if ":" in host else host
        return dataclasses.replace(found, server=f"https://{address}:{port or 443}")


async def _refuse(vault: credentials.Vault) -> None:
    await vault.wait_for_emptiness()
    await vault.populate({})


@contextlib.contextmanager
def _translated() -> Any:
    try:
        yield
    except errors.APIError as error:
        raise StreamError(error.status, error.message or str(error)) from error
    except (kopf.LoginError, errors.APISessionClosed) as error:
        raise StreamError(401, str(error)) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise StreamError(None, str(error) or type(error).__name__) from error


def _settings() -> kopf.OperatorSettings:
    settings = kopf.OperatorSettings()
    settings.watching.inactivity_timeout = SILENCE_S
    settings.watching.connect_timeout = 10
    settings.networking.connect_timeout = 10
    settings.networking.request_timeout = 60
    # Who watches decides when to try again: each watch by itself.
    settings.networking.error_backoffs = ()
    for kind in CHILDREN:
        settings.watching.label_selectors[kind.group, kind.version, kind.plural] = SELECTOR
    return settings


def _resource(kind: Kind) -> references.Resource:
    return references.Resource(kind.group, kind.version, kind.plural, namespaced=True)


def _typed(raw: Object, kind: Kind) -> Object:
    """Items of a list do not say what they are."""
    return {**raw, "apiVersion": kind.api_version, "kind": kind.kind}
