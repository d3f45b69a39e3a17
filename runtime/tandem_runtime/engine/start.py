"""Makes an engine of folders and options."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from tandem_runtime.engine.depth import Depth
from tandem_runtime.engine.drafters.draft_model import DraftModel
from tandem_runtime.engine.drafters.drafter import Drafter
from tandem_runtime.engine.drafters.layer_skip import LayerSkip
from tandem_runtime.engine.drafters.n_gram import NGram
from tandem_runtime.engine.engine import Engine
from tandem_runtime.engine.kv_cache import KVCache, bytes_per_block
from tandem_runtime.engine.settings import Settings, SettingsError
from tandem_runtime.engine.transformer.model import Model
from tandem_runtime.engine.transformer.weights import DTYPES, load
from tandem_runtime.plugin.table.plan import Limits, Plan

NO_LIMITS = Limits(0, (0,))
"""Of an engine that never drafts."""
DRAFT_MODEL, N_GRAM, LAYER_SKIP = "draft_model", "ngram", "layer_skip"


@dataclass(frozen=True)
class Options:
    """How an engine is started. `method` None is no speculation."""

    target: Path
    draft: Path | None = None
    method: str | None = None
    exit_layer: int | None = None
    shortest_n_gram: int = 1
    longest_n_gram: int = 4
    limits: Limits = NO_LIMITS
    initial_tokens: int = 0
    dtype: str = "float32"
    device: str = "cpu"
    kv_cache_bytes: int = 1 << 30
    max_model_tokens: int | None = None
    max_requests: int = 64
    max_batch_tokens: int | None = None
    compile: bool = False


def start(options: Options, newest_plan: Callable[[], Plan | None] = lambda: None) -> Engine:
    """A ready engine. Raises SettingsError, UnsupportedModelError, OSError."""
    dtype, device = DTYPES[options.dtype], torch.device(options.device)
    target = load(options.target, dtype, device)
    draft = _draft(options, target, dtype, device)
    if options.compile:
        target.compile()
    config = target.config
    per_block = bytes_per_block(config, dtype)
    if draft is not None:
        per_block += bytes_per_block(draft.config, dtype)
    deepest = options.limits.max_tokens if options.method else 0
    batch_tokens = options.max_requests * (1 + deepest) + 512
    settings = Settings(
        blocks=options.kv_cache_bytes // per_block,
        max_model_tokens=options.max_model_tokens or config.max_positions,
        max_requests=options.max_requests,
        max_batch_tokens=options.max_batch_tokens or batch_tokens,
        max_tokens=deepest,
    )
    for model in (target, draft):
        if model is not None and settings.max_model_tokens > model.config.max_positions:
            raise SettingsError(
                f"--max-model-len {settings.max_model_tokens}: the model's own context is "
                f"{model.config.max_positions} tokens"
            )
        window = None if model is None else model.config.sliding_window
        if window is not None and settings.max_model_tokens > window:
            raise SettingsError(
                f"--max-model-len {settings.max_model_tokens}: the model's layers look back "
                f"{window} tokens, and the engine computes no sliding window: set at most {window}"
            )
    cache = KVCache(config, settings.blocks, dtype, device)
    drafter: Drafter | None = None
    if draft is not None:
        drafter = DraftModel(draft, KVCache(draft.config, settings.blocks, dtype, device))
    elif options.method == LAYER_SKIP:
        drafter = LayerSkip(target, cache, options.exit_layer or config.layers // 2)
    elif options.method == N_GRAM:
        drafter = NGram(options.shortest_n_gram, options.longest_n_gram)
    depth = Depth(options.limits if drafter else NO_LIMITS, options.initial_tokens)
    return Engine(settings, target, cache, drafter, depth, newest_plan)


def _draft(
    options: Options, target: Model, dtype: torch.dtype, device: torch.device
) -> Model | None:
    if options.method != DRAFT_MODEL:
        return None
    if options.draft is None:
        raise SettingsError("--method draft_model needs --draft")
    draft = load(options.draft, dtype, device)
    if draft.config.vocab_size > target.config.vocab_size:
        raise SettingsError(
            f"{options.draft} has {draft.config.vocab_size} tokens, the target "
            f"{target.config.vocab_size}: the draft could say what the target does not know"
        )
    return draft


def use_threads(threads: int) -> None:
    """CPU threads of one operation."""
    torch.set_num_threads(threads)
    with contextlib.suppress(RuntimeError):  # set before, in the same process
        torch.set_num_interop_threads(1)
