"""An API server on loopback that answers lists, watches and the Lease: enough for one operator.

What a real API server does is for the tests in `tests/cluster`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

Object = dict[str, Any]


class ApiServer:
    """`lists`: answers by plural, page after page. `streams`: lines of each watch, one a stream,
    a text as it is. `pages`: what something between answers instead, with status 200."""

    def __init__(self) -> None:
        self.url = ""
        self.lists: dict[str, list[Object]] = {}
        self.streams: dict[str, list[list[Object | str]]] = {}
        self.refused: dict[str, int] = {}
        self.pages: dict[str, str] = {}
        self.lease: Object = {"metadata": {"name": "tandem", "resourceVersion": "1"}, "spec": {}}
        self.asked: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        place = request.path.rstrip("/").split("/")
        if "leases" in place:
            return await self._lease(request)
        plural = place[-1]
        if plural in self.refused:
            status = self.refused[plural]
            return web.json_response(
                {"kind": "Status", "message": "no", "code": status}, status=status
            )
        if request.query.get("watch"):
            return await self._watch(request, plural)
        if plural in self.pages:
            return web.Response(text=self.pages[plural], content_type="text/html")
        pages = self.lists.get(plural) or [{"items": []}]
        page = int(request.query.get("continue") or 0)
        more = {"continue": str(page + 1)} if page + 1 < len(pages) else {}
        metadata = {"resourceVersion": "100", **more}
        return web.json_response({"kind": "List", "metadata": metadata, **pages[page]})

    async def _lease(self, request: web.Request) -> web.Response:
        if request.method != "GET":
            self.lease = await request.json()
        return web.json_response(self.lease)

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        waiting = self.streams.get(plural) or []
        if not waiting:
            await asyncio.sleep(60)
        for line in waiting.pop(0):
            text = line if isinstance(line, str) else json.dumps(line)
            await response.write(text.encode() + b"\n")
        return response

    def kubeconfig(self, folder: Path) -> Path:
        """A file by which any client finds it."""
        file = folder / "kubeconfig"
        file.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "here",
                    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
                    "clusters": [{"name": "here", "cluster": {"server": self.url}}],
                    "users": [{"name": "me", "user": {"token": "secret"}}],
                }
            )
        )
        return file


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()
