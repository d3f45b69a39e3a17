"""An engine and all that serves it but the transport, which is HTTP here and Triton elsewhere."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from tandem_runtime.contract import environment, paths
from tandem_runtime.engine import start as engine_start
from tandem_runtime.engine.engine import Engine
from tandem_runtime.engine.grammar import GrammarCompiler
from tandem_runtime.engine.server.metrics import Metrics
from tandem_runtime.engine.server.openai.sequence_builder import Limits, SequenceBuilder
from tandem_runtime.engine.server.tokenizing import Tokens
from tandem_runtime.engine.server.worker import Worker
from tandem_runtime.engine.transformer.model_config import read
from tandem_runtime.plugin.metrics.collector import Collector
from tandem_runtime.plugin.table.plan import Limits as DepthLimits
from tandem_runtime.plugin.table.plan import limits_of
from tandem_runtime.plugin.version import PLUGIN_VERSION
from tandem_runtime.plugin.watcher import TableSource, Watcher


@dataclass(frozen=True)
class Serving:
    """`watcher` and `worker` are started and stopped by the transport."""

    model: str
    engine: Engine
    tokens: Tokens
    builder: SequenceBuilder
    worker: Worker
    metrics: Metrics
    registry: CollectorRegistry
    watcher: Watcher


def make(options: argparse.Namespace, table: TableSource | None) -> Serving:
    """Everything for one engine with these options; K comes from `table`.

    Raises SettingsError, UnsupportedModelError, OSError.
    """
    if options.threads:
        engine_start.use_threads(options.threads)
    folder = Path(os.environ.get(environment.METRICS_DIR) or paths.METRICS)
    engine = engine_start.start(
        _engine_options(options), lambda: None if table is None else table.plan
    )
    registry = CollectorRegistry()
    registry.register(Collector(folder, "", PLUGIN_VERSION))
    name = options.served_model_name or options.target.resolve().name
    metrics = Metrics(engine, name, registry)
    worker = Worker(engine, metrics.stepped)
    config = read(options.target)
    tokens = Tokens(options.target)
    limits = Limits(
        max_body_bytes=options.max_body_bytes,
        max_model_tokens=engine.settings.max_model_tokens,
        max_open=options.max_num_seqs + options.max_queue,
        vocab_size=config.vocab_size,
        eos_ids=config.eos_ids,
    )
    grammars = GrammarCompiler(tokens.file, config.vocab_size, config.eos_ids)
    return Serving(
        model=name,
        engine=engine,
        tokens=tokens,
        builder=SequenceBuilder(limits, grammars, lambda: worker.open),
        worker=worker,
        metrics=metrics,
        registry=registry,
        watcher=Watcher(table, folder, 0, engine.depth.content),
    )


def depth_limits(options: argparse.Namespace) -> DepthLimits:
    """The deepest K and the tiers of an engine with these options. Raises ValueError."""
    tiers = os.environ.get(environment.TIERS)
    return limits_of(int(options.num_speculative_tokens) if options.method else 0, tiers)


def _engine_options(options: argparse.Namespace) -> engine_start.Options:
    return engine_start.Options(
        target=options.target,
        draft=options.draft,
        method=options.method,
        exit_layer=options.exit_layer,
        shortest_n_gram=options.prompt_lookup_min,
        longest_n_gram=options.prompt_lookup_max or max(4, options.prompt_lookup_min),
        limits=depth_limits(options),
        initial_tokens=options.initial_tokens,
        dtype=options.dtype,
        device=options.device,
        kv_cache_bytes=options.kv_cache_mib << 20,
        max_model_tokens=options.max_model_len,
        max_requests=options.max_num_seqs,
        max_batch_tokens=options.max_num_batched_tokens,
        compile=options.compile,
    )
