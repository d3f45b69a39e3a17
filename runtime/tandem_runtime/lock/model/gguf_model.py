"""Facts of a model from its GGUF files alone: for a folder that has no config.json beside them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.contract.report import MixtureOfExperts
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.formats.binary import gguf_metadata
from tandem_runtime.lock.model import gguf_header
from tandem_runtime.lock.model.gguf_header import Header
from tandem_runtime.lock.model.model_config import ModelConfig
from tandem_runtime.lock.model.weights import Tensor, Weights, parameters

SUFFIX = ".gguf"
_NO_MODEL = re.compile(r"mmproj|imatrix", re.IGNORECASE)
_PART = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")
_PARTS_OF_OTHERS = ("clip", "mmproj")
"""Architectures of what llama.cpp puts beside a model: a projector of images or sound."""
_MAX_CANDIDATES = 8
_READ_BYTES = (8 << 20, gguf_metadata.MAX_BYTES)


@dataclass(frozen=True)
class GgufModel:
    """`weights` is None where a part's table of tensors is torn or missing."""

    model: ModelConfig
    weights: Weights | None


def candidates(names: Iterable[str]) -> list[list[str]]:
    """What may be a model among GGUF files, each with all its parts, in order.

    Files of one repository are the same model in several sizes: any of them has its tokenizer. By
    its name alone a projector for images cannot always be told from a model: see `is_model`.
    """
    models = [
        name for name in sorted(names) if name.endswith(SUFFIX) and not _NO_MODEL.search(name)
    ]
    names_by_files: dict[tuple[str, ...], list[str]] = {}
    for name in models:
        part = _PART.fullmatch(name)
        names_by_files.setdefault((name,) if part is None else (part[1], part[3]), []).append(name)
    return list(names_by_files.values())[:_MAX_CANDIDATES]


def is_model(header: Header | None) -> bool:
    """Whether a file is a language model's, or nothing says that it is another one's part."""
    if header is None:
        return True
    return header.values.get("general.architecture") not in _PARTS_OF_OTHERS


def read(folder: ModelFolder) -> GgufModel | None:
    """Facts of the folder's first GGUF model, None where it has none that can be read.

    The metadata's own reader is the one that refuses a file; this one only knows less.
    """
    names = [name for name in folder.names if os.path.lexists(folder.root / name)]
    headers: list[Header | None] = []
    for parts in candidates(names):
        headers = [_header(folder, name) for name in parts]
        if is_model(headers[0]):
            break
    if not headers or headers[0] is None:
        return None
    first = headers[0]
    expected = first.values.get("split.count") or 1
    tensors: dict[str, Tensor] | None = {}
    for header in headers:
        if header is None or header.tensors is None or tensors is None:
            tensors = None
        else:
            tensors |= header.tensors
    whole = tensors is not None and len(headers) == expected
    return GgufModel(_model(first), _weights(tensors) if whole and tensors else None)


def _header(folder: ModelFolder, name: str) -> Header | None:
    for most_bytes in _READ_BYTES:
        with folder.open(name) as file:
            content = file.read(most_bytes)
        try:
            header = gguf_header.parse(name, content)
        except gguf_header.BeyondError:
            continue
        except lock_errors.RefusedError:
            return None
        if header.tensors is not None or len(content) < most_bytes:
            return header
    return None


def _weights(tensors: Mapping[str, Tensor]) -> Weights:
    sizes: Counter[str] = Counter()
    for tensor in tensors.values():
        sizes[tensor.dtype] += tensor.size_bytes
    return Weights(
        parameters=parameters(tensors),
        size_bytes=sizes.total(),
        dtype=max(sizes, key=lambda dtype: (sizes[dtype], dtype)),
        tensors=tensors,
    )


def _model(header: Header) -> ModelConfig:
    architecture = header.values.get("general.architecture")
    if not isinstance(architecture, str):
        return ModelConfig()

    def count(key: str) -> int | None:
        value = header.values.get(f"{architecture}.{key}")
        return value if type(value) is int and value >= 0 else None

    experts = count("expert_count")
    return ModelConfig(
        architecture=architecture,
        vocab_size=count("vocab_size") or header.lengths.get("tokenizer.ggml.tokens"),
        hidden_size=count("embedding_length"),
        layers=count("block_count"),
        kv_values_per_token=_kv_values_per_token(header.values, architecture),
        mixture_of_experts=MixtureOfExperts(experts, count("expert_used_count"))
        if experts
        else None,
    )


def _kv_values_per_token(values: Mapping[str, Any], architecture: str) -> int | None:
    """As model_config's, from llama.cpp's names; a list of heads is by layer."""

    def value_of(key: str) -> Any:
        return values.get(f"{architecture}.{key}")

    layers, hidden = value_of("block_count"), value_of("embedding_length")
    latent = value_of("attention.kv_lora_rank")
    if type(layers) is not int:
        return None
    if type(latent) is int and latent:
        rotary = value_of("rope.dimension_count")
        return layers * (latent + (rotary if type(rotary) is int else 0))
    heads, kv_heads = value_of("attention.head_count"), value_of("attention.head_count_kv")
    kv_heads = heads if kv_heads is None else kv_heads
    key, value = value_of("attention.key_length"), value_of("attention.value_length")
    most = max(heads) if isinstance(heads, list) and heads else heads
    if type(key) is not int:
        if type(hidden) is not int or type(most) is not int or not most:
            return None
        key = hidden // most
    value = value if type(value) is int else key
    if isinstance(kv_heads, list) and all(type(each) is int for each in kv_heads):
        return int(sum(kv_heads) * (key + value))
    return int(layers * kv_heads * (key + value)) if type(kv_heads) is int else None
