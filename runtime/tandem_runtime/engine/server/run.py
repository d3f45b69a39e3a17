"""Puts engine, table and HTTP together, and serves until SIGTERM."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence as Listed

import uvicorn

from tandem_runtime.contract import environment, pod_lock
from tandem_runtime.engine.server import serving
from tandem_runtime.engine.server.api import Api
from tandem_runtime.engine.server.app import application
from tandem_runtime.engine.server.options import parse
from tandem_runtime.plugin.table.table_loader import TableLoader


def run(arguments: Listed[str]) -> None:
    """Serve. On SIGTERM no connection is taken any more and running requests end first.

    Raises SettingsError, UnsupportedModelError, OSError.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    options = parse(arguments)
    path = os.environ.get(environment.TABLE_FILE)
    lock = pod_lock.hash_of(os.environ.get(environment.LOCK))
    limits = serving.depth_limits(options)
    loader = TableLoader(path, lock, limits) if path else None
    made = serving.make(options, loader)
    made.watcher.start()
    uvicorn.Server(
        uvicorn.Config(
            application(Api(made, options.api_key), made),
            host=options.host,
            port=options.port,
            access_log=False,
            log_level="info",
            timeout_graceful_shutdown=options.drain_seconds,
        )
    ).run()
    made.watcher.stop()
