"""The routes, and the pages that are nobody's secret: health, readiness, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tandem_runtime.engine.server.api import Api
from tandem_runtime.engine.server.openai.errors import ApiError
from tandem_runtime.engine.server.serving import Serving


def application(api: Api, serving: Serving) -> Starlette:
    """The ASGI application. Its start starts the worker, its end ends it."""
    worker = serving.worker

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker.start(asyncio.get_running_loop())
        yield
        await asyncio.to_thread(worker.stop)

    async def health(_: Request) -> Response:
        # The engine loads before the server listens, so what is healthy is ready.
        return PlainTextResponse(worker.failure, 503 if worker.failure else 200)

    async def metrics(_: Request) -> Response:
        # The classic format whatever is asked for: newer ones rename `vllm:x`.
        return Response(generate_latest(serving.registry), media_type=CONTENT_TYPE_LATEST)

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return error.response()

    async def gone(_: Request, error: Exception) -> Response:
        return Response(status_code=499)

    async def not_found(_: Request, error: Exception) -> Response:
        return ApiError(404, "no such path; see /v1/models").response()

    return Starlette(
        routes=[
            Route("/v1/completions", api.completions, methods=["POST"]),
            Route("/v1/chat/completions", api.chat, methods=["POST"]),
            Route("/v1/models", api.models),
            Route("/health", health),
            Route("/ready", health),
            Route("/metrics", metrics),
        ],
        exception_handlers={ApiError: refused, ClientDisconnect: gone, 404: not_found},
        lifespan=lifespan,
    )
