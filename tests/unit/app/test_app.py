"""One operator from start to end: it leads once it has seen everything, and gives the Lease up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from tandem_operator import app, ending
from tandem_operator.app import Operator
from tandem_operator.settings import Settings
from tests.unit.cluster.api_server import ApiServer, serving


class Scene:
    """An operator that runs beside its API server."""

    def __init__(self, api: ApiServer, operator: Operator, port: int) -> None:
        self.api, self.operator = api, operator
        self._pages = f"http://127.0.0.1:{port}"

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self._pages + path) as answer:
            return answer.status, await answer.text()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():  # noqa: ASYNC110 (the operator's own tasks bring it about)
                await asyncio.sleep(0.02)

    @property
    def holder(self) -> str:
        return str(self.api.lease["spec"].get("holderIdentity", ""))


@contextlib.asynccontextmanager
async def running(
    folder: Path, prepare: Callable[[ApiServer], None] = lambda api: None
) -> AsyncIterator[Scene]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with serving() as api:
        prepare(api)
        configuration = Configuration()
        await config.load_kube_config(
            str(api.kubeconfig(folder)), client_configuration=configuration
        )
        async with ApiClient(configuration) as client:
            given = Settings.model_validate(
                {"runtime_image": "runtime:1", "identity": "me", "http_port": port}
            )
            operator = Operator(given, client)
            task = asyncio.create_task(operator.run())
            try:
                yield Scene(api, operator, port)
            finally:
                operator.stop()
                async with asyncio.timeout(30):
                    await task


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    monkeypatch.setattr(ending, "at_the_latest_in", lambda seconds: None)
    monkeypatch.setattr(Operator, "_listen", lambda self: None)


async def test_it_leads_once_everything_was_listed_and_releases_the_lease_at_the_end(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as scene:
        await scene.until(lambda: scene.holder == "me")
        listed = {request.path.split("/")[-1] for request in scene.api.asked}
        assert {"speculativedeployments", "pods", "jobs", "configmaps"} <= listed
        assert await scene.get("/readyz") == (200, "ok")
        _, page = await scene.get("/metrics")
        assert f'tandem_operator_info{{version="{app.VERSION}"}} 1.0' in page

    assert scene.holder == ""


async def test_it_stands_by_while_a_kind_cannot_be_listed_and_says_which(tmp_path: Path) -> None:
    async with running(tmp_path, lambda api: api.refused.update(jobs=403)) as scene:
        await scene.until(lambda: sum(each.path.endswith("jobs") for each in scene.api.asked) > 1)
        status, why = await scene.get("/readyz")
        assert (status, scene.holder) == (503, "")
        assert "jobs in all namespaces" in why
        assert (await scene.get("/healthz"))[0] == 200

        scene.api.refused.clear()
        await scene.until(lambda: scene.holder == "me")


async def test_it_waits_for_the_lease_that_another_holds(tmp_path: Path) -> None:
    other = {
        "holderIdentity": "other",
        "leaseDurationSeconds": 15,
        "renewTime": "2026-01-01T00:00:00.000000Z",
    }
    async with running(tmp_path, lambda api: api.lease.update(spec=other)) as scene:
        await scene.until(lambda: any("leases" in each.path for each in scene.api.asked))
        assert scene.holder == "other"
        assert (await scene.get("/readyz"))[0] == 200, "a standby is ready to take over"

    assert scene.holder == "other", "what is not ours is not released"
