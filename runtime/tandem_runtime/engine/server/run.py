"""Puts engine, table, pages and HTTP together, and serves until SIGTERM."""

from __future__ import annotations

import argparse
import json
import logging
import os
from collections.abc import Sequence as Listed
from pathlib import Path

import uvicorn
from prometheus_client import CollectorRegistry

from tandem_runtime.contract import environment, paths
from tandem_runtime.engine import start as engine_start
from tandem_runtime.engine.engine import Engine
from tandem_runtime.engine.grammar import GrammarCompiler
from tandem_runtime.engine.server.api import Api, Limits
from tandem_runtime.engine.server.app import application
from tandem_runtime.engine.server.metrics import Metrics
from tandem_runtime.engine.server.options import parse
from tandem_runtime.engine.server.tokenizing import Tokens
from tandem_runtime.engine.server.worker import Worker
from tandem_runtime.engine.transformer.model_config import read
from tandem_runtime.plugin.collector import Collector
from tandem_runtime.plugin.plan import Limits as DepthLimits
from tandem_runtime.plugin.plan import limits_of
from tandem_runtime.plugin.table_loader import TableLoader
from tandem_runtime.plugin.version import PLUGIN_VERSION
from tandem_runtime.plugin.watcher import Watcher


def run(arguments: Listed[str]) -> None:
    """Serve. On SIGTERM no connection is taken any more and running requests end first.

    Raises SettingsError, UnsupportedModelError, OSError.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    options = parse(arguments)
    if options.threads:
        engine_start.use_threads(options.threads)
    tiers = os.environ.get(environment.TIERS)
    limits = limits_of(int(options.num_speculative_tokens) if options.method else 0, tiers)
    table = os.environ.get(environment.TABLE_FILE)
    loader = TableLoader(table, _lock_hash(), limits) if table else None
    folder = Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)
    engine = engine_start.start(
        _engine_options(options, limits), lambda: None if loader is None else loader.plan
    )
    watcher = Watcher(loader, folder, 0, engine.depth.content)
    watcher.start()
    registry = CollectorRegistry()
    registry.register(Collector(folder, "", PLUGIN_VERSION))
    server = _server(options, engine, registry)
    server.run()
    watcher.stop()


def _engine_options(options: argparse.Namespace, limits: DepthLimits) -> engine_start.Options:
    return engine_start.Options(
        target=options.target,
        draft=options.draft,
        method=options.method,
        exit_layer=options.exit_layer,
        shortest_n_gram=options.prompt_lookup_min,
        longest_n_gram=options.prompt_lookup_max or max(4, options.prompt_lookup_min),
        limits=limits,
        initial_tokens=options.initial_tokens,
        dtype=options.dtype,
        device=options.device,
        kv_cache_bytes=options.kv_cache_mib << 20,
        max_model_tokens=options.max_model_len,
        max_requests=options.max_num_seqs,
        max_batch_tokens=options.max_num_batched_tokens,
        compile=options.compile,
    )


def _server(
    options: argparse.Namespace, engine: Engine, registry: CollectorRegistry
) -> uvicorn.Server:
    config = read(options.target)
    name = options.served_model_name or options.target.resolve().name
    tokens = Tokens(options.target)
    metrics = Metrics(engine, name, registry)
    worker = Worker(engine, metrics.stepped)
    limits = Limits(
        max_body_bytes=options.max_body_bytes,
        max_model_tokens=engine.settings.max_model_tokens,
        max_open=options.max_num_seqs + options.max_queue,
        vocab_size=config.vocab_size,
        eos_ids=config.eos_ids,
    )
    grammars = GrammarCompiler(tokens.file, config.vocab_size, config.eos_ids)
    api = Api(name, options.api_key, limits, tokens, grammars, worker, metrics)
    return uvicorn.Server(
        uvicorn.Config(
            application(api, worker, registry),
            host=options.host,
            port=options.port,
            access_log=False,
            log_level="info",
            timeout_graceful_shutdown=options.drain_seconds,
        )
    )


def _lock_hash() -> str:
    """The pod lock's hash; "" outside Tandem."""
    lock = json.loads(os.environ.get(environment.LOCK) or "{}")
    return str(lock.get("hash", ""))
