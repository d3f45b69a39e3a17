"""What config.json says of the model itself: size of its tables, experts, code it would bring."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract.report import MixtureOfExperts
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.model import kv_cache

NAME = "config.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
SAFE_SUFFIXES = (".safetensors", ".gguf")
_NOT_WEIGHTS = ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_EXPERTS_PER_TOKEN = (
    "num_experts_per_tok", "num_experts_per_token", "experts_per_token", "moe_topk", "moe_top_k",
    "moe_k", "top_k_experts",
)  # fmt: skip
_MAX_COUNT = 1 << 40


@dataclass(frozen=True)
class ModelConfig:
    """Facts of one config.json; None where it does not say. `vocab_size` counts embedding rows."""

    architecture: str | None = None
    vocab_size: int | None = None
    hidden_size: int | None = None
    layers: int | None = None
    kv_values_per_token: int | None = None
    dtype: str | None = None
    mixture_of_experts: MixtureOfExperts | None = None


def read(config: Mapping[str, Any] | None) -> ModelConfig:
    """The facts of a decoded config.json. Raises RefusedError for a count that is none."""
    if config is None:
        return ModelConfig()
    architectures = config.get("architectures")
    inner = kv_cache.of_text(config)

    def count(*names: str) -> int | None:
        for holder in (config, inner):
            for name in names:
                value = holder.get(name)
                if value is None:
                    continue
                if type(value) is not int or not 0 <= value <= _MAX_COUNT:
                    raise lock_errors.malformed(NAME, f"{name} is {str(value)[:40]!r}, no count")
                return value
        return None

    dtype = (
        config.get("torch_dtype")
        or config.get("dtype")
        or inner.get("torch_dtype")
        or inner.get("dtype")
    )
    return ModelConfig(
        architecture=architectures[0]
        if isinstance(architectures, list) and architectures and isinstance(architectures[0], str)
        else None,
        vocab_size=_rows(config) or count("vocab_size"),
        hidden_size=count("hidden_size", "n_embd", "d_model"),
        layers=count("num_hidden_layers", "n_layer", "num_layers"),
        kv_values_per_token=kv_cache.values_per_token(config),
        dtype=dtype if isinstance(dtype, str) else None,
        mixture_of_experts=_mixture(inner),
    )


def _rows(config: Mapping[str, Any]) -> int | None:
    """Rows of the language model, which may be nested beside another number of the whole."""
    inner = kv_cache.levels(config)[-1]
    rows = kv_cache.of_text(inner).get("vocab_size")
    return rows if type(rows) is int and 0 <= rows <= _MAX_COUNT else None


def _mixture(config: Mapping[str, Any]) -> MixtureOfExperts | None:
    """Routed experts; a list is by layer, and the layer with the most speaks for the model."""
    nested = config.get("ffn_config")
    holders = [config, nested if isinstance(nested, Mapping) else {}]

    def most(names: tuple[str, ...]) -> int | None:
        for holder in holders:
            for name in names:
                value = holder.get(name)
                values = value if isinstance(value, list) else [value]
                counts = [each for each in values if type(each) is int and 0 < each <= _MAX_COUNT]
                if counts:
                    return max(counts)
        return None

    experts = most(_EXPERTS)
    if experts is None or experts == 1:
        return None
    return MixtureOfExperts(experts, most(_EXPERTS_PER_TOKEN))


def runs_code(folder: ModelFolder, *configs: Mapping[str, Any] | None) -> bool:
    """Whether a loader that trusts the repository would run code of it."""
    return any(name.endswith(".py") for name in folder.names) or any(
        config.get("auto_map") for config in configs if config is not None
    )


def has_pickle_only(folder: ModelFolder) -> bool:
    """Whether the weights that a loader would take are a pickle, which can run anything."""
    if any(name.endswith(SAFE_SUFFIXES) for name in folder.names):
        return False
    return any(is_pickle(name) for name in folder.names)


def refuse_pointers(folder: ModelFolder) -> None:
    """Raise RefusedError where Git LFS left a pointer for a pickle; its content is never read."""
    for name in folder.names:
        if is_pickle(name) and os.path.lexists(folder.root / name):
            folder.open(name).close()


def is_pickle(name: str) -> bool:
    """Whether a file of this name holds weights as a pickle."""
    return name.endswith(PICKLE_SUFFIXES) and name not in _NOT_WEIGHTS
