"""/healthz, /readyz and /metrics of the operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

STOP_S = 1.0
"""How long an open connection may hold the end of the process up."""


class Web:
    """`healthy` and `ready` return what is wrong, or None when nothing is."""

    def __init__(
        self,
        port: int,
        *,
        healthy: Callable[[], str | None],
        ready: Callable[[], str | None],
        page: Callable[[], bytes],
    ) -> None:
        self._port = port
        self._page = page
        self._application = web.Application()
        self._application.router.add_get("/healthz", _answer(healthy))
        self._application.router.add_get("/readyz", _answer(ready))
        self._application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(self._application, access_log=None, shutdown_timeout=STOP_S)

    async def start(self) -> int:
        """Listen on every address of the pod; returns the port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, None, self._port).start()
        return int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self._page(), content_type="text/plain")


def _answer(
    wrong: Callable[[], str | None],
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(request: web.Request) -> web.StreamResponse:
        problem = wrong()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    return answer
