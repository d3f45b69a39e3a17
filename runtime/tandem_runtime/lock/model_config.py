"""What config.json says of the model itself: size of its tables, experts, code it would bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract.report import MixtureOfExperts
from tandem_runtime.lock import refusal
from tandem_runtime.lock.folder import ModelFolder

NAME = "config.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
SAFE_SUFFIXES = (".safetensors", ".gguf")
_NOT_WEIGHTS = ("training_args.bin", "optimizer.pt", "scheduler.pt", "rng_state.pth")
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_EXPERTS_PER_TOKEN = (
    "num_experts_per_tok",
    "num_experts_per_token",
    "moe_topk",
    "experts_per_token",
)
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
    text = config.get("text_config")
    inner = text if isinstance(text, Mapping) else {}

    def count(*names: str) -> int | None:
        for holder in (config, inner):
            for name in names:
                value = holder.get(name)
                if value is None:
                    continue
                if type(value) is not int or not 0 <= value <= _MAX_COUNT:
                    raise refusal.malformed(NAME, f"{name} is {str(value)[:40]!r}, no count")
                return value
        return None

    experts = count(*_EXPERTS)
    dtype = config.get("torch_dtype") or config.get("dtype") or inner.get("torch_dtype")
    return ModelConfig(
        architecture=architectures[0]
        if isinstance(architectures, list) and architectures and isinstance(architectures[0], str)
        else None,
        vocab_size=count("vocab_size"),
        hidden_size=count("hidden_size", "n_embd", "d_model"),
        layers=count("num_hidden_layers", "n_layer", "num_layers"),
        kv_values_per_token=_kv_values_per_token(count),
        dtype=dtype if isinstance(dtype, str) else None,
        mixture_of_experts=MixtureOfExperts(experts, count(*_EXPERTS_PER_TOKEN))
        if experts
        else None,
    )


def _kv_values_per_token(count: Any) -> int | None:
    """Numbers that the cache keeps for one token, over all layers.

    Multi-head latent attention (`kv_lora_rank`) keeps one compressed vector and one rotary key.
    """
    layers = count("num_hidden_layers", "n_layer", "num_layers")
    latent = count("kv_lora_rank")
    if layers and latent:
        return int(layers * (latent + (count("qk_rope_head_dim") or 0)))
    heads = count("num_attention_heads", "n_head", "num_heads")
    kv_heads = count("num_key_value_heads", "multi_query_group_num") or heads
    hidden = count("hidden_size", "n_embd", "d_model")
    head_size = count("head_dim") or (hidden // heads if hidden and heads else None)
    if not layers or not kv_heads or not head_size:
        return None
    return int(2 * layers * kv_heads * head_size)


def runs_code(folder: ModelFolder, *configs: Mapping[str, Any] | None) -> bool:
    """Whether a loader that trusts the repository would run code of it."""
    return any(name.endswith(".py") for name in folder.names) or any(
        config.get("auto_map") for config in configs if config is not None
    )


def has_pickle_only(folder: ModelFolder) -> bool:
    """Whether the weights that a loader would take are a pickle, which can run anything."""
    if any(name.endswith(SAFE_SUFFIXES) for name in folder.names):
        return False
    return any(name.endswith(PICKLE_SUFFIXES) and name not in _NOT_WEIGHTS for name in folder.names)
