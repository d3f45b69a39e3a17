"""What a GGUF file's header says of the model itself, without its tokenizer and without weights.

Layout: ggml's gguf.md, versions 2 and 3, little-endian. Used on files and on what came so far of a
file that is read from afar, so an end within the header is an answer of its own.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.model.weights import MAX_VALUES, Tensor

MAX_KEYS = 4_096
MAX_TENSORS = 100_000
MAX_KEPT_ITEMS = 1_024
"""Longer arrays are vocabularies and merges; of these only the length is kept."""
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MAX_DIMENSIONS = 8
_STRING, _ARRAY = 8, 9
_SCALARS = dict(zip((0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12), "BbHhIif?Qqd", strict=True))
_LENGTH = struct.Struct("<Q")
_BLOCKS = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36),
    10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4),
    27: ("I64", 1, 8), 28: ("F64", 1, 8), 29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
}  # fmt: skip
"""Name, values a block and bytes a block of each tensor type (ggml.c, `type_traits`)."""


@dataclass(frozen=True)
class Header:
    """`values` are scalars, strings and short arrays; `lengths` those of every array.

    `tensors` is None where the content ends before the table of tensors does.
    """

    values: Mapping[str, Any]
    lengths: Mapping[str, int]
    tensors: Mapping[str, Tensor] | None


class BeyondError(Exception):
    """The content ends within the key-value part."""


def parse(name: str, content: bytes) -> Header:
    """The header at the start of `content`.

    Raises:
        BeyondError: more of the file is needed, or it ends too early.
        RefusedError: this is no GGUF file, or its counts cannot be.
    """
    if content[:4] != _MAGIC[: len(content[:4])]:
        raise lock_errors.malformed(name, "does not begin as a GGUF file")
    reader = _Reader(name, content)
    version, tensor_count, keys = reader.scalar("I"), reader.scalar("Q"), reader.scalar("Q")
    if version not in _VERSIONS:
        raise lock_errors.malformed(name, f"GGUF version {version} is not read")
    if keys > MAX_KEYS or tensor_count > MAX_TENSORS:
        raise lock_errors.malformed(name, f"claims {keys} keys and {tensor_count} tensors")
    values: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    for _ in range(keys):
        key, kind = reader.string(), reader.scalar("I")
        if kind != _ARRAY:
            values[key] = reader.value(kind)
            continue
        lengths[key], kept = reader.array()
        if kept is not None:
            values[key] = kept
    try:
        tensors = dict(reader.tensor() for _ in range(tensor_count))
    except BeyondError:
        return Header(values, lengths, None)
    return Header(values, lengths, tensors)


class _Reader:
    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        self._content = content
        self._position = len(_MAGIC)

    def value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.string()
        return self.scalar(self._form(kind))

    def array(self) -> tuple[int, list[Any] | None]:
        """Its length, and its values where there are few."""
        kind, count = self.scalar("I"), self.scalar("Q")
        if kind == _STRING:
            self._skip_strings(count)
            return count, None
        form = self._form(kind)
        width = struct.calcsize("<" + form)
        start = self._take(count * width)
        if count > MAX_KEPT_ITEMS:
            return count, None
        return count, list(struct.unpack_from(f"<{count}{form}", self._content, start))

    def tensor(self) -> tuple[str, Tensor]:
        """One entry of the table of tensors, its dimensions outermost first."""
        name, dimensions = self.string(), self.scalar("I")
        if dimensions > _MAX_DIMENSIONS:
            raise lock_errors.malformed(self._name, f"has a tensor of {dimensions} dimensions")
        shape = tuple(self.scalar("Q") for _ in range(dimensions))[::-1]
        if math.prod(shape) > MAX_VALUES:
            raise lock_errors.malformed(self._name, "has a tensor that is larger than any model")
        kind, _ = self.scalar("I"), self.scalar("Q")
        dtype, per_block, block_bytes = _BLOCKS.get(kind, (f"type {kind}", 1, 0))
        return name, Tensor(dtype, shape, math.prod(shape) // per_block * block_bytes, self._name)

    def string(self) -> str:
        length = self.scalar("Q")
        start = self._take(length)
        try:
            return self._content[start : start + length].decode()
        except UnicodeDecodeError as error:
            raise lock_errors.malformed(self._name, "holds a string that is not UTF-8") from error

    def scalar(self, form: str) -> Any:
        start = self._take(struct.calcsize("<" + form))
        return struct.unpack_from("<" + form, self._content, start)[0]

    def _form(self, kind: int) -> str:
        if kind not in _SCALARS:
            raise lock_errors.malformed(self._name, f"has a value of the unknown type {kind}")
        return _SCALARS[kind]

    def _skip_strings(self, count: int) -> None:
        content, position, size = self._content, self._position, len(self._content)
        try:
            for _ in range(count):
                position += _LENGTH.size + _LENGTH.unpack_from(content, position)[0]
                if position > size:
                    raise BeyondError
        except struct.error as error:
            raise BeyondError from error
        self._position = position

    def _take(self, size: int) -> int:
        start = self._position
        if start + size > len(self._content):
            raise BeyondError
        self._position = start + size
        return start
