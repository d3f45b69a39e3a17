"""The operator's hands on the API server: the few calls that it makes, with their preconditions.

Every write asks first how long it may take: a deposed leader sends nothing, and what was sent is
given up before anybody else can lead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from kubernetes.aio.client import ApiClient
from kubernetes.aio.client.exceptions import ApiException

from tandem_operator.api import names
from tandem_operator.cluster.kinds import CHILDREN, POD_MONITOR, RESOURCE, Kind
from tandem_operator.reconcile.requests.errors import (
    TIMED_OUT,
    NotLeadingError,
    RetryError,
    message_of,
    of_answer,
)

Object = dict[str, Any]

TIMEOUT_S = 15.0
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"
EVENT = Kind("events.k8s.io", "v1", "events", "Event")
LEASE = Kind("coordination.k8s.io", "v1", "leases", "Lease")
KINDS: Mapping[tuple[str, str], Kind] = {
    (kind.api_version, kind.kind): kind for kind in (RESOURCE, POD_MONITOR, *CHILDREN)
}


class Client:
    """Calls by kind and name.

    `write_s` returns the seconds within which a write sent now must end; 0: none may be sent.
    `counted` is told verb and kind of each write that succeeded.
    """

    def __init__(
        self,
        api: ApiClient,
        write_s: Callable[[], float],
        counted: Callable[[str, str], None],
    ) -> None:
        self._api = api
        self._write_s = write_s
        self._counted = counted

    async def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The object, or None when it does not exist. Raises RetryError."""
        return await self._call("GET", _path(kind, namespace, name), absent=True)

    async def list(
        self, kind: Kind, namespace: str | None, selector: str = "", limit: int | None = None
    ) -> list[Object]:
        """Objects of a kind with a label, at most `limit`. Raises RetryError or RefusedError."""
        query = {"labelSelector": selector} if selector else {}
        if limit is not None:
            query["limit"] = str(limit)
        answer = await self._call("GET", _path(kind, namespace), query=query)
        items: list[Object] = (answer or {}).get("items") or []
        return [{**item, "apiVersion": kind.api_version, "kind": kind.kind} for item in items]

    async def served(self, kind: Kind) -> bool:
        """Whether the API server serves the kind. Raises RetryError."""
        path = f"/apis/{kind.group}/{kind.version}"
        answer = await self._call("GET", path, absent=True)
        return any(each["name"] == kind.plural for each in (answer or {}).get("resources") or ())

    async def apply(self, body: Object, *, force: bool) -> Object:
        """Server-side apply of a whole object.

        Raises RetryError (409 among others), RefusedError or NotLeadingError.
        """
        kind = KINDS[body["apiVersion"], body["kind"]]
        metadata = body["metadata"]
        path = _path(kind, metadata["namespace"], metadata["name"])
        return await self._apply(kind, path, body, force)

    async def apply_status(self, body: Object) -> Object:
        """The whole status of a resource; its owner is the operator, so conflicts are forced."""
        metadata = body["metadata"]
        path = _path(RESOURCE, metadata["namespace"], metadata["name"]) + "/status"
        return await self._apply(RESOURCE, path, body, force=True, verb="status")

    async def _apply(
        self, kind: Kind, path: str, body: Object, force: bool, verb: str = "apply"
    ) -> Object:
        query = {"fieldManager": names.FIELD_MANAGER, "force": "true" if force else "false"}
        answer = await self._write("PATCH", path, body, query, APPLY)
        self._counted(verb, kind.kind)
        return answer or {}

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete the object of this UID; one that is gone already is fine."""
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        await self._write("DELETE", _path(kind, namespace, name), body, {}, JSON, absent=True)
        self._counted("delete", kind.kind)

    async def annotate_pod(
        self, namespace: str, name: str, uid: str, annotations: Mapping[str, str]
    ) -> Object | None:
        """Annotate the pod of this UID; one that is gone is fine."""
        pod = KINDS["v1", "Pod"]
        body = {"metadata": {"uid": uid, "annotations": dict(annotations)}}
        query = {"fieldManager": names.FIELD_MANAGER}
        path = _path(pod, namespace, name)
        answer = await self._write("PATCH", path, body, query, MERGE, absent=True)
        self._counted("annotate", "Pod")
        return answer

    async def create_event(self, namespace: str, body: Object) -> None:
        await self._write("POST", _path(EVENT, namespace), body, {}, JSON)
        self._counted("create", "Event")

    async def patch_event(self, namespace: str, name: str, change: Object) -> None:
        """Change an Event; one that has expired is fine."""
        path = _path(EVENT, namespace, name)
        await self._write("PATCH", path, change, {}, MERGE, absent=True)
        self._counted("patch", "Event")

    async def events_about(self, namespace: str, uid: str) -> tuple[Object, ...]:
        """Events about the object of that UID. Raises RetryError or RefusedError."""
        query = {"fieldSelector": f"regarding.uid={uid}"}
        answer = await self._call("GET", _path(EVENT, namespace), query=query)
        return tuple((answer or {}).get("items") or ())

    async def get_lease(self, namespace: str, name: str) -> Object | None:
        return await self._call("GET", _path(LEASE, namespace, name), absent=True)

    async def put_lease(self, namespace: str, name: str, body: Object) -> Object:
        """Replace the Lease; its resourceVersion is the precondition. Not bound to leading."""
        answer = await self._call("PUT", _path(LEASE, namespace, name), body=body)
        return answer or {}

    async def _write(
        self,
        method: str,
        path: str,
        body: Object,
        query: Mapping[str, str],
        content_type: str,
        *,
        absent: bool = False,
    ) -> Object | None:
        left_s = self._write_s()
        if left_s <= 0:
            raise NotLeadingError(f"not the leader: {method} {path} is not sent")
        return await self._call(
            method,
            path,
            body=body,
            query=query,
            content_type=content_type,
            absent=absent,
            within_s=min(TIMEOUT_S, left_s),
        )

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = JSON,
        absent: bool = False,
        within_s: float = TIMEOUT_S,
    ) -> Object | None:
        headers = {"Accept": JSON, "Content-Type": content_type}
        try:
            answer = await self._api.call_api(
                method,
                self._api.configuration.host + path + _encoded(query),
                header_params=await self._authorised(headers),
                body=body,
                _request_timeout=within_s,
            )
            text = await answer.read()
        except ApiException as error:
            if error.status == 404 and absent:
                return None
            raise of_answer(error.status or 0, error.body) from error
        except TimeoutError as error:
            message = f"{method} {path}: no answer within {within_s:.0f} s"
            raise RetryError(message, TIMED_OUT) from error
        except (aiohttp.ClientError, OSError) as error:
            raise RetryError(f"{method} {path}: {str(error) or type(error).__name__}") from error
        if answer.status == 404 and absent:
            return None
        if answer.status >= 400:
            raise of_answer(answer.status, text)
        return _object(text) if text else {}

    async def _authorised(self, headers: dict[str, str]) -> dict[str, str]:
        await self._api.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        return headers


def _object(text: bytes) -> Object:
    """What was answered. Raises RetryError for anything that an API server does not say: a proxy
    between asks for a login, or is at its end."""
    try:
        document = orjson.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RetryError(f"the answer is none of an API server: {message_of(text)}")
    return document


def _path(kind: Kind, namespace: str | None, name: str | None = None) -> str:
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    within = f"/namespaces/{namespace}" if namespace is not None else ""
    return f"{base}{within}/{kind.plural}" + (f"/{name}" if name is not None else "")


def _encoded(query: Mapping[str, str] | None) -> str:
    return f"?{urlencode(query)}" if query else ""
