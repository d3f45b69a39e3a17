"""Lists and watch streams of one kind in one namespace, by kopf's client.

kopf knows credentials and what answers mean. Its operator is not used: it keeps what it does not
need to know about each object, and one watch that fails ends all. Nor are its lists and streams:
reading JSON is a tenth of the operator's work, and orjson does it in a third of the time. Only this
file knows kopf.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import aiohttp
import kopf
import orjson
from kopf._cogs.clients import api, auth, errors
from kopf._cogs.structs import references

from tandem_operator.cluster.kinds import Kind

Object = dict[str, Any]
SILENCE_S = 70.0
"""A stream that brings nothing for so long is opened again; a bookmark comes every minute."""
WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=SILENCE_S)
LIST_TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=10)
ENDS = (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError)
"""How a stream ends without a word of the API server."""

NOT_FOUND = 404
CHUNK = 50
"""Objects of one answer of a list: its text and its values are in memory at the same time."""


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

    def __init__(self, api: auth.APIContext, chunk: int) -> None:
        self._api = api
        self._chunk = chunk

    async def pages(self, kind: Kind, namespace: str | None) -> AsyncIterator[list[Object]]:
        """Everything that stands, in chunks; `version` is then where a watch goes on.

        Raises StreamError (410 too: a page came too late).
        """
        query = {"limit": str(self._chunk)}
        with _translated():
            while True:
                page = await self._page(kind, namespace, query)
                self.version: str = page["metadata"]["resourceVersion"]
                # Items of a list do not say what they are.
                what = {"apiVersion": kind.api_version, "kind": kind.kind}
                yield [{**item, **what} for item in page.pop("items", None) or ()]
                token = page["metadata"].get("continue")
                if not token:
                    return
                query["continue"] = token

    async def _page(self, kind: Kind, namespace: str | None, query: Mapping[str, str]) -> Object:
        async with self._get(kind, namespace, query, LIST_TIMEOUT) as answer:
            page: Object = orjson.loads(await answer.read())
            _version(page)
        return page

    async def events(
        self, kind: Kind, namespace: str | None, version: str
    ) -> AsyncIterator[tuple[str, Object]]:
        """Type and object of each event, bookmarks too, until the stream ends for any reason.

        Raises StreamError, with 410 where the history is no longer kept.
        """
        query = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        with _translated(), contextlib.suppress(*ENDS):
            async with self._get(kind, namespace, query, WATCH_TIMEOUT) as answer:
                async for line in api.iter_jsonlines(answer.content):
                    event = orjson.loads(line)
                    content: Object = event["object"]
                    if event["type"] == "ERROR":
                        raise StreamError(content.get("code"), str(content.get("message", content)))
                    _version(content)
                    yield event["type"], content

    async def serves(self, definition: tuple[str, str, str]) -> bool:
        """Whether the API server serves that group, version and plural. Raises StreamError."""
        group, version, plural = definition
        url = f"{self._api.server}/apis/{group}/{version}"
        try:
            with _translated():
                async with self._api.session.get(url, timeout=LIST_TIMEOUT) as answer:
                    await errors.check_response(answer)
                    document: Object = orjson.loads(await answer.read())
        except StreamError as error:
            if error.code == NOT_FOUND:
                return False
            raise
        return any(each["name"] == plural for each in document.get("resources") or ())

    @contextlib.asynccontextmanager
    async def _get(
        self,
        kind: Kind,
        namespace: str | None,
        query: Mapping[str, str],
        within: aiohttp.ClientTimeout,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        selector = {"labelSelector": kind.label} if kind.label else {}
        url = references.Resource(kind.group, kind.version, kind.plural, namespaced=True).get_url(
            server=self._api.server,
            namespace=cast(Any, namespace),
            params={**query, **selector},
        )
        async with self._api.session.get(url, timeout=within) as answer:
            await errors.check_response(answer)
            yield answer


class Streams:
    """Opens streams. Credentials are read again for each, as tokens are renewed on disk."""

    def __init__(self, chunk: int = CHUNK) -> None:
        self._chunk = chunk
        self._settings = kopf.OperatorSettings()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Stream]:
        """A stream for the task that asks. Raises StreamError where nothing can log in."""
        with _translated():
            context = auth.APIContext(await self._login())
        try:
            yield Stream(context, self._chunk)
        finally:
            await context.close()

    async def _login(self) -> kopf.ConnectionInfo:
        """The pod's service account, else the kubeconfig.

        In a pod the API server is reached at the address that the kubelet gives, as client-go
        does: the operator must work while the cluster's DNS does not.
        """
        login = kopf.login_with_service_account(settings=self._settings)
        if login is None:
            local = kopf.login_with_kubeconfig(settings=self._settings)
            if local is None:
                raise StreamError(None, "there is neither a service account nor a kubeconfig")
            return local
        host, port = (os.environ.get(f"KUBERNETES_SERVICE_{word}", "") for word in ("HOST", "PORT"))
        if not host:
            return login
        address = f"[{host}]" if ":" in host else host
        return dataclasses.replace(login, server=f"https://{address}:{port or 443}")


def _version(answered: Object) -> str:
    """The version of an object or a list. Raises KeyError or TypeError for anything else."""
    return str(answered["metadata"]["resourceVersion"])


@contextlib.contextmanager
def _translated() -> Any:
    try:
        yield
    except errors.APIError as error:
        raise StreamError(error.status, error.message or str(error)) from error
    except kopf.LoginError as error:
        raise StreamError(401, str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise StreamError(None, f"the answer is none of an API server: {error!r}") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise StreamError(None, str(error) or type(error).__name__) from error
