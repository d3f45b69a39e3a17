"""One tokenizer in several formats, as files of a model."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from tests.unit.lock import builders
from tests.unit.lock.same_ids import (
    BYTES,
    PIECES,
    WORDS,
    gguf,
    named,
    numbers,
    strings,
    text,
)

WRITTEN = ["a", "b", "Ġ", "ab", "Ġa"]
MERGES = ["a b", "Ġ a"]
END = "<|end|>"
CONFIG = {"added_tokens_decoder": {"5": {"content": END, "special": True}}, "eos_token": END}


def as_json() -> dict[str, bytes]:
    return {
        "tokenizer.json": json.dumps(
            {
                "added_tokens": [builders.added(5, END)],
                "pre_tokenizer": {"type": "ByteLevel"},
                "decoder": {"type": "ByteLevel"},
                "model": {
                    "type": "BPE",
                    "vocab": {text: index for index, text in enumerate(WRITTEN)},
                    "merges": MERGES,
                },
            }
        ).encode()
    }


def as_words() -> dict[str, bytes]:
    return {
        "vocab.json": json.dumps({text: index for index, text in enumerate(WRITTEN)}).encode(),
        "merges.txt": ("#version: 0.2\n" + "\n".join(MERGES) + "\n").encode(),
    }


def as_ranks(name: str = "qwen.tiktoken") -> dict[str, bytes]:
    lines = [base64.b64encode(content) + b" %d\n" % index for index, content in enumerate(BYTES)]
    return {name: b"".join(lines)}


def counted(key: str, value: int) -> bytes:
    return text(key) + struct.pack("<II", 4, value)


def as_gguf() -> dict[str, bytes]:
    """Padded, as converters pad, with an id that is no token."""
    return {
        "model.gguf": gguf(
            named("tokenizer.ggml.model", "gpt2"),
            named("tokenizer.ggml.pre", "gpt-2"),
            strings("tokenizer.ggml.tokens", [*WRITTEN, END, "[PAD6]"]),
            numbers("tokenizer.ggml.token_type", 5, "i", [1, 1, 1, 1, 1, 3, 5]),
            strings("tokenizer.ggml.merges", MERGES),
            counted("tokenizer.ggml.eos_token_id", 5),
        )
    }


def unigram_json() -> dict[str, bytes]:
    single = [struct.unpack("<f", struct.pack("<f", score))[0] for _, score, _ in WORDS]
    vocabulary = [[piece, score] for piece, score, _ in PIECES]
    vocabulary += [[piece, score] for (piece, _, _), score in zip(WORDS, single, strict=True)]
    return {
        "tokenizer.json": json.dumps(
            {
                "added_tokens": [
                    builders.added(index, piece) for index, (piece, _, _) in enumerate(PIECES[:3])
                ],
                "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
                "model": {
                    "type": "Unigram",
                    "unk_id": 0,
                    "byte_fallback": True,
                    "vocab": vocabulary,
                },
            }
        ).encode()
    }


def tekken(special_tokens: list[str] | None, words: list[bytes]) -> dict[str, bytes]:
    document: dict[str, Any] = {
        "config": {
            "pattern": "x",
            "default_vocab_size": 24 + len(words),
            "default_num_special_tokens": 24,
        },
        "vocab": [
            {"rank": rank, "token_bytes": base64.b64encode(word).decode()}
            for rank, word in enumerate([*words, b"beyond"])
        ],
    }
    if special_tokens is not None:
        document["special_tokens"] = [
            {"rank": rank, "token_str": word, "is_control": True}
            for rank, word in enumerate(special_tokens)
        ]
    return {"tekken.json": json.dumps(document).encode(), "config.json": b"{}"}
