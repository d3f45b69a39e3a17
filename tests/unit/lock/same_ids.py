"""One small tokenizer in every format, and how a folder with it is seen."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict.inspect import Side
from tests.unit.lock import builders

BYTES = [b"a", b"b", b" ", b"ab", b" a"]


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def strings(key: str, values: list[str]) -> bytes:
    return (
        text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(text(each) for each in values)
    )


def numbers(key: str, kind: int, form: str, values: list[Any]) -> bytes:
    head = struct.pack("<IIQ", 9, kind, len(values))
    return text(key) + head + struct.pack(f"<{len(values)}{form}", *values)


def gguf(*pairs: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


def named(key: str, value: str) -> bytes:
    return text(key) + struct.pack("<I", 8) + text(value)


def see(place: Path, content: dict[str, bytes], **others: dict[str, Any]) -> Side:
    extra = {name.replace("__", "."): json.dumps(each).encode() for name, each in others.items()}
    inspected = inspect_side.at(folder.at(builders.write(place, content | extra)))
    assert inspected.refused is None, inspected.refused
    assert inspected.fingerprint is not None
    return inspected


def vocab_hash(side: Side) -> str:
    assert side.fingerprint is not None
    return side.fingerprint.vocab_hash


def varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def sentencepiece(pieces: list[tuple[str, float, int]], model: int) -> bytes:
    encoded = b"".join(
        field(
            1,
            field(1, piece.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + varint(kind),
        )
        for piece, score, kind in pieces
    )
    return encoded + field(2, varint(3 << 3) + varint(model))


PIECES = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("<0x41>", 0.0, 6)]
WORDS = [("A", -1.5, 1), ("▁", -2.25, 1), ("▁A", -3.1, 1)]
