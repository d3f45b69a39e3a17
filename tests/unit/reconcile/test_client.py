"""What goes over the wire: preconditions, whose answer means what, and nothing from a deposed."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from kubernetes.aio.client import ApiClient

from tandem_operator.cluster.kinds import POD_MONITOR
from tandem_operator.reconcile.requests.client import KINDS, TIMEOUT_S, Client
from tandem_operator.reconcile.requests.errors import (
    NotLeadingError,
    RefusedError,
    RetryError,
)

Object = dict[str, Any]
SERVICE = KINDS["v1", "Service"]
BODY: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "chat", "namespace": "serving"},
}
RESOURCE: Object = {
    "apiVersion": "tandem.dev/v1alpha1",
    "kind": "SpeculativeDeployment",
    "metadata": {"name": "chat", "namespace": "serving", "uid": "1"},
    "status": {},
}


class Wire:
    """An ApiClient that answers all calls alike and remembers them."""

    def __init__(self) -> None:
        self.configuration = SimpleNamespace(host="https://server")
        self.code = 200
        self.answer: Object | str = {}
        self.error: Exception | None = None
        self.calls: list[tuple[str, str]] = []
        self.bodies: list[Object | None] = []
        self.types: list[str] = []
        self.accepted: list[str] = []
        self.within_s: list[float] = []
        self.next_answer: Callable[[], Object | str] = lambda: self.answer

    async def update_params_for_auth(self, headers: Object, *_: object) -> None:
        headers["authorization"] = "Bearer of-the-test"

    async def call_api(
        self,
        method: str,
        url: str,
        header_params: Object,
        body: Object | None,
        _request_timeout: float,
    ) -> object:
        self.within_s.append(_request_timeout)
        self.calls.append((method, url.removeprefix("https://server")))
        self.bodies.append(body)
        self.types.append(header_params["Content-Type"])
        self.accepted.append(header_params["Accept"])
        if self.error is not None:
            raise self.error

        answer = self.next_answer()

        async def read() -> bytes:
            text = answer if isinstance(answer, str) else json.dumps(answer)
            return text.encode()

        return SimpleNamespace(status=self.code, read=read)


@pytest.fixture
def wire() -> Wire:
    return Wire()


def client(wire: Wire, *, write_s: float = 12.0) -> Client:
    return Client(cast(ApiClient, wire), lambda: write_s, lambda verb, kind: None)


WRITES: dict[str, Callable[[Client], Awaitable[object]]] = {
    "apply": lambda to: to.apply(BODY, force=True),
    "status": lambda to: to.apply_status(RESOURCE),
    "delete": lambda to: to.delete(SERVICE, "serving", "chat", "1"),
    "annotate": lambda to: to.annotate_pod("serving", "pod", "1", {"a": "b"}),
    "event": lambda to: to.create_event("serving", {}),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_deposed_leader_sends_no_write(
    wire: Wire, write: Callable[[Client], Awaitable[object]]
) -> None:
    with pytest.raises(NotLeadingError):
        await write(client(wire, write_s=0.0))

    assert wire.calls == []


async def test_a_write_is_given_up_before_anybody_else_can_lead(wire: Wire) -> None:
    for left_s in (40.0, 6.0):
        await client(wire, write_s=left_s).apply(BODY, force=True)
    await client(wire, write_s=6.0).get(SERVICE, "serving", "chat")

    assert wire.within_s == [TIMEOUT_S, 6.0, TIMEOUT_S]


async def test_reading_and_asking_for_the_lease_need_no_leadership(wire: Wire) -> None:
    standby = client(wire, write_s=0.0)
    await standby.get(SERVICE, "serving", "chat")
    await standby.put_lease("system", "tandem", {})

    assert wire.calls == [
        ("GET", "/api/v1/namespaces/serving/services/chat"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/system/leases/tandem"),
    ]


async def test_an_apply_is_server_side_and_by_name(wire: Wire) -> None:
    await client(wire).apply(BODY, force=False)

    assert wire.calls == [
        ("PATCH", "/api/v1/namespaces/serving/services/chat?fieldManager=tandem&force=false")
    ]
    assert wire.types == ["application/apply-patch+yaml"]


async def test_a_delete_names_the_uid(wire: Wire) -> None:
    await client(wire).delete(SERVICE, "serving", "chat", "7")

    assert wire.bodies[0] is not None
    assert wire.bodies[0]["preconditions"] == {"uid": "7"}


async def test_what_is_gone_is_no_error(wire: Wire) -> None:
    wire.code = 404

    assert await client(wire).get(SERVICE, "serving", "chat") is None
    await client(wire).delete(SERVICE, "serving", "chat", "7")
    assert await client(wire).annotate_pod("serving", "pod", "7", {}) is None


@pytest.mark.parametrize("code", [400, 403, 413, 422])
async def test_what_the_server_will_always_refuse_is_refused(wire: Wire, code: int) -> None:
    wire.code, wire.answer = code, {"message": "spec.type: unsupported"}

    with pytest.raises(RefusedError, match=r"spec\.type: unsupported") as refused:
        await client(wire).apply(BODY, force=True)

    assert refused.value.code == code


@pytest.mark.parametrize("code", [401, 404, 409, 410, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again(wire: Wire, code: int) -> None:
    wire.code, wire.answer = code, {"message": "not now"}

    with pytest.raises(RetryError, match="not now"):
        await client(wire).apply(BODY, force=True)


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), TimeoutError(), OSError(111)])
async def test_an_unreachable_server_is_tried_again(wire: Wire, error: Exception) -> None:
    wire.error = error

    with pytest.raises(RetryError, match="GET /api/v1/namespaces/serving/services/chat"):
        await client(wire).get(SERVICE, "serving", "chat")


@pytest.mark.parametrize("page", ["<html>sign in</html>", "[]"])
async def test_what_something_between_answers_is_tried_again(wire: Wire, page: str) -> None:
    wire.answer = page

    with pytest.raises(RetryError, match="none of an API server"):
        await client(wire).get_lease("serving", "tandem")


async def test_an_optional_kind_is_served_only_where_its_group_lists_it(wire: Wire) -> None:
    wire.answer = {"resources": [{"name": "servicemonitors"}]}
    assert not await client(wire).served(POD_MONITOR)
    wire.answer = {"resources": [{"name": "podmonitors"}]}
    assert await client(wire).served(POD_MONITOR)
    wire.code = 404
    assert not await client(wire).served(POD_MONITOR)


async def test_each_write_that_was_taken_is_counted(wire: Wire) -> None:
    counted: list[tuple[str, str]] = []
    hands = Client(cast(ApiClient, wire), lambda: 12.0, lambda *what: counted.append(what))
    await hands.apply(BODY, force=True)
    await hands.apply_status(RESOURCE)
    wire.code = 409
    with pytest.raises(RetryError):
        await hands.apply(BODY, force=True)

    assert counted == [("apply", "Service"), ("status", "SpeculativeDeployment")]
