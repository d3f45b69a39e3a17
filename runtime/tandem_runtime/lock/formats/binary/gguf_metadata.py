"""The key-value part of a GGUF file: counts and lengths are checked before they are believed."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

from tandem_runtime.lock import errors as lock_errors

MAX_BYTES = 128 << 20
"""Metadata that is longer is refused: the longest known is an eighth of it."""
MAX_KEYS = 4_096
MAX_ITEMS = 3_000_000
"""Twice those of the largest known vocabulary with its merges, scores and types."""
_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9
_LENGTH = struct.Struct("<Q")
_FIRST_BYTES = 32 << 20


def read(name: str, file: BinaryIO) -> dict[str, Any]:
    """All keys with their values; arrays as lists. Raises RefusedError (Malformed, TooLarge)."""
    content = file.read(_FIRST_BYTES)
    if content[:4] != _MAGIC:
        raise lock_errors.malformed(name, "does not begin as a GGUF file")
    try:
        return _Reader(name, content).metadata()
    except _BeyondError:
        content += file.read(MAX_BYTES - len(content))
    try:
        return _Reader(name, content).metadata()
    except _BeyondError as error:
        if len(content) == MAX_BYTES:
            raise lock_errors.too_large(name, f"metadata beyond {MAX_BYTES} bytes") from error
        raise lock_errors.malformed(name, "ends within its metadata") from error


class _BeyondError(Exception):
    """The content ends before the value that is being read."""


class _Reader:
    def __init__(self, name: str, content: bytes) -> None:
        self._name = name
        self._content = content
        self._position = len(_MAGIC)
        self._items = 0

    def metadata(self) -> dict[str, Any]:
        version = self._scalar("I")
        if version not in _VERSIONS:
            raise lock_errors.malformed(self._name, f"GGUF version {version} is not read")
        self._scalar("Q")
        keys = self._scalar("Q")
        if keys > MAX_KEYS:
            raise lock_errors.malformed(self._name, f"claims {keys} keys")
        entries: dict[str, Any] = {}
        for _ in range(keys):
            key = self._string()
            if key in entries:
                raise lock_errors.malformed(self._name, f"has the key {key[:40]!r} twice")
            entries[key] = self._value(self._scalar("I"))
        return entries

    def _value(self, kind: int) -> Any:
        if kind == _STRING:
            return self._string()
        if kind == _ARRAY:
            return self._array()
        if kind not in _SCALARS:
            raise lock_errors.malformed(self._name, f"has a value of the unknown type {kind}")
        return self._scalar(_SCALARS[kind])

    def _array(self) -> list[Any]:
        kind, count = self._scalar("I"), self._scalar("Q")
        self._items += count
        if self._items > MAX_ITEMS:
            raise lock_errors.malformed(self._name, f"claims an array of {count} values")
        if kind == _STRING:
            return self._strings(count)
        if kind not in _SCALARS:
            raise lock_errors.malformed(self._name, f"has an array of the type {kind}")
        form = struct.Struct(f"<{count}{_SCALARS[kind]}")
        self._need(form.size)
        values = list(form.unpack_from(self._content, self._position))
        self._position += form.size
        return values

    def _strings(self, count: int) -> list[str]:
        # As many calls of _string would take three times as long.
        content, position, size = self._content, self._position, len(self._content)
        strings: list[str] = []
        try:
            for _ in range(count):
                start = position + _LENGTH.size
                position = start + _LENGTH.unpack_from(content, position)[0]
                if position > size:
                    raise _BeyondError
                strings.append(content[start:position].decode())
        except struct.error as error:
            raise _BeyondError from error
        except UnicodeDecodeError as error:
            raise lock_errors.malformed(self._name, "holds a string that is not UTF-8") from error
        self._position = position
        return strings

    def _string(self) -> str:
        length = self._scalar("Q")
        if length > MAX_BYTES:
            raise lock_errors.malformed(self._name, f"claims a string of {length} bytes")
        self._need(length)
        start = self._position
        self._position += length
        try:
            return self._content[start : self._position].decode()
        except UnicodeDecodeError as error:
            raise lock_errors.malformed(self._name, "holds a string that is not UTF-8") from error

    def _scalar(self, form: str) -> Any:
        size = struct.calcsize("<" + form)
        self._need(size)
        value = struct.unpack_from("<" + form, self._content, self._position)[0]
        self._position += size
        return value

    def _need(self, size: int) -> None:
        if self._position + size > len(self._content):
            raise _BeyondError
