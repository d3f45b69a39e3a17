"""Small models for the lock's tests, as folders of real files."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

WORDS = ["a", "b", "c", "d", "e", "ab", "cd", "abc", "Ġa", "Ġab"]
MERGES = [["a", "b"], ["c", "d"], ["ab", "c"], ["Ġ", "a"], ["Ġ", "ab"]]


def tokenizer(**changes: Any) -> dict[str, Any]:
    """A byte-level BPE of a dozen ids; `changes` replace top-level keys."""
    vocabulary = {word: index for index, word in enumerate(["Ġ", *WORDS])}
    document = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [added(11, "<|end|>"), added(12, "<|reserved_special_token_0|>")],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False},
        "post_processor": None,
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": [list(pair) for pair in MERGES]},
    }
    return document | changes


def added(token_id: int, content: str, special: bool = True) -> dict[str, Any]:
    """An added token with all its flags."""
    return {
        "id": token_id,
        "content": content,
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": special,
    }


def config(**changes: Any) -> dict[str, Any]:
    """A small Llama; `changes` replace keys."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "torch_dtype": "float16",
        "vocab_size": 16,
        "hidden_size": 8,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "eos_token_id": 11,
    } | changes


def safetensors(**tensors: tuple[str, list[int], bytes]) -> bytes:
    """A safetensors file of `name=(dtype, shape, data)`."""
    header: dict[str, Any] = {}
    data = b""
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {
            "dtype": dtype,
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    encoded = json.dumps(header).encode()
    return struct.pack("<Q", len(encoded)) + encoded + data


def files(
    tokens: dict[str, Any] | None = None, /, **others: dict[str, Any] | bytes
) -> dict[str, bytes]:
    """The files of a whole model; `others` are by file name with `__` for the dot."""
    contents: dict[str, dict[str, Any] | bytes] = {
        "tokenizer.json": tokenizer() if tokens is None else tokens,
        "config.json": config(),
        "tokenizer_config.json": {"eos_token": "<|end|>", "tokenizer_class": "T"},
        "model.safetensors": safetensors(w=("F16", [4, 2], bytes(16))),
    }
    contents |= {name.replace("__", "."): content for name, content in others.items()}
    return {
        name: content if isinstance(content, bytes) else json.dumps(content).encode()
        for name, content in contents.items()
    }


def write(folder: Path, contents: dict[str, bytes]) -> Path:
    """Write files into a new folder; returns it."""
    folder.mkdir(parents=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder
