"""Lists come in pages, watches line by line, and every failure says what the API server said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.cluster.kinds import CHILDREN, RESOURCE
from tandem_operator.cluster.streams import StreamError, Streams
from tests.unit.cluster.api_server import ApiServer, serving

PODS = next(kind for kind in CHILDREN if kind.kind == "Pod")
STATUS = {"kind": "Status", "code": 410, "message": "too old resource version"}


@pytest.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    async with serving() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))
        yield server


def named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": "7"}}


async def listed(kind: Any, namespace: str | None, chunk: int = 2) -> tuple[list[list[str]], str]:
    pages = []
    async with Streams(chunk).open() as stream:
        async for page in stream.pages(kind, namespace):
            assert {each["kind"] for each in page} <= {kind.kind}
            assert {each["apiVersion"] for each in page} <= {kind.api_version}
            pages.append([each["metadata"]["name"] for each in page])
        return pages, stream.version


async def heard(version: str = "100") -> list[tuple[str, str]]:
    async with Streams().open() as stream:
        return [
            (kind, raw["metadata"]["name"])
            async for kind, raw in stream.events(PODS, None, version)
        ]


async def test_a_list_comes_in_pages_and_a_watch_goes_on_from_its_version(api: ApiServer) -> None:
    api.lists["pods"] = [{"items": [named("a"), named("b")]}, {"items": [named("c")]}]

    assert await listed(PODS, "serving") == ([["a", "b"], ["c"]], "100")
    first, second = api.asked
    assert first.path == "/api/v1/namespaces/serving/pods"
    assert (first.query["limit"], first.query.get("continue")) == ("2", None)
    assert (second.query["limit"], second.query["continue"]) == ("2", "1")


async def test_only_objects_with_our_label_are_asked_for_and_resources_whole(
    api: ApiServer,
) -> None:
    await listed(PODS, None)
    await listed(RESOURCE, None)

    pods, resources = api.asked
    assert pods.query["labelSelector"] == "tandem.dev/deployment"
    assert "labelSelector" not in resources.query
    assert resources.path == f"/apis/{RESOURCE.group}/{RESOURCE.version}/{RESOURCE.plural}"


async def test_the_token_of_the_kubeconfig_is_sent(api: ApiServer) -> None:
    await listed(PODS, None)

    assert api.asked[0].headers["Authorization"] == "Bearer secret"


async def test_events_and_bookmarks_are_told_until_the_stream_ends(api: ApiServer) -> None:
    lines: list[Any] = [
        {"type": "ADDED", "object": named("a")},
        {"type": "BOOKMARK", "object": named("mark")},
        {"type": "DELETED", "object": named("a")},
    ]
    api.streams["pods"] = [lines]

    assert await heard("42") == [("ADDED", "a"), ("BOOKMARK", "mark"), ("DELETED", "a")]
    (asked,) = api.asked
    assert (asked.query["watch"], asked.query["resourceVersion"]) == ("true", "42")
    assert asked.query["allowWatchBookmarks"] == "true"


async def test_a_history_that_is_gone_is_told_with_its_code(api: ApiServer) -> None:
    api.streams["pods"] = [[{"type": "ERROR", "object": STATUS}]]

    with pytest.raises(StreamError, match="410: too old resource version") as error:
        await heard()
    assert error.value.code == 410
    assert not error.value.refused


@pytest.mark.parametrize(("status", "refused"), [(403, True), (404, True), (401, False)])
async def test_an_answer_that_is_no_list_is_told_with_its_code(
    api: ApiServer, status: int, refused: bool
) -> None:
    api.refused["pods"] = status

    with pytest.raises(StreamError) as error:
        await listed(PODS, None)
    assert (error.value.code, error.value.refused) == (status, refused)


async def test_an_api_server_that_is_away_has_no_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    async with serving() as server:
        monkeypatch.setenv("KUBECONFIG", str(server.kubeconfig(tmp_path)))

    with pytest.raises(StreamError) as error:
        await listed(PODS, None)
    assert error.value.code is None


async def test_without_any_credentials_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))

    with pytest.raises(StreamError):
        await listed(PODS, None)


@pytest.mark.parametrize("page", ["<html>sign in</html>", "[]", '{"kind": "Status"}'])
async def test_a_list_that_something_between_answers_is_a_failure(
    api: ApiServer, page: str
) -> None:
    api.pages["pods"] = page

    with pytest.raises(StreamError, match="none of an API server") as error:
        await listed(PODS, None)
    assert not error.value.refused


@pytest.mark.parametrize(
    "line",
    [
        "<html>sign in</html>",
        '{"type": "ADDED", "object": {"ki',
        '{"type": "ADDED", "object": {"kind": "Status"}}',
        "[]",
    ],
)
async def test_a_line_that_is_no_event_is_a_failure(api: ApiServer, line: str) -> None:
    api.streams["pods"] = [[{"type": "ADDED", "object": named("a")}, line]]

    with pytest.raises(StreamError, match="none of an API server"):
        await heard()
