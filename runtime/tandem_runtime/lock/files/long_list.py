"""A tokenizer's merges, read block by block: half a million pairs never stand in memory at once.

The list is taken out of the document as text and each block of it is decoded on its own, which
halves the memory and spares a third of the time. Whoever meets BrokenError reads the document whole
with strict_json, so that the same is accepted and the same is said of what is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tandem_runtime.lock.errors import RefusedError
from tandem_runtime.lock.files import strict_json

_BLOCK_BYTES = 1 << 16
_BETWEEN = {b"[": b"],", b'"': b'",'}
"""What stands between two elements, by how the first of them begins."""
_BLANK = b" \t\r\n"
_LIST_FOLLOWS = re.compile(rb"[ \t\r\n]*:[ \t\r\n]*\[")
_TWO_OBJECTS_END = re.compile(rb"[ \t\r\n]*\}[ \t\r\n]*\}[ \t\r\n]*")


class BrokenError(Exception):
    """What looked like one list is none, or no JSON: only reading the whole document tells."""


@dataclass(frozen=True)
class LongList:
    """The list whose text is `content[start:end]`, brackets left out; `name` is the file's."""

    name: str
    content: bytes
    start: int
    end: int

    def digest(self) -> bytes:
        """SHA-256 of the list's text."""
        return hashlib.sha256(memoryview(self.content)[self.start : self.end]).digest()

    def blocks(self) -> Iterator[list[Any]]:
        """The elements in order, some thousands at a time. Raises BrokenError.

        Complexity: linear. A block ends where an element seems to end. Where that turns out to be
        inside a string, the block does not decode and is tried again at twice the length.
        """
        start, size = self.start, _BLOCK_BYTES
        first = self.content[start : start + _BLOCK_BYTES].lstrip(_BLANK)[:1]
        between = _BETWEEN.get(first, _BETWEEN[b"["])
        while True:
            cut = self.content.find(between, start + size, self.end)
            end = self.end if cut < 0 else cut + 1
            block = self.content[start:end]
            try:
                elements = strict_json.decode(self.name, b"[" + block + b"]")
            except RefusedError as error:
                if cut < 0:
                    raise BrokenError from error
                size *= 2
                continue
            assert isinstance(elements, list)
            if not elements and start > self.start:
                raise BrokenError
            yield elements
            if cut < 0:
                return
            start, size = end + 1, _BLOCK_BYTES


def decode(name: str, content: bytes, outer: str, inner: str) -> object:
    """The JSON value in `content`, in which `[outer][inner]` may be a LongList.

    It is one where both keys are the last of their objects, as the library that writes such files
    puts them; otherwise the value is whole. Raises RefusedError.
    """
    items = _find(name, content, inner)
    if items is not None:
        strict_json.check_size(name, content)
        around = content[: items.start - 1] + b"null" + content[items.end + 1 :]
        value = strict_json.decode(name, around)
        # The null is the last value of the text: whatever comes last in it was the list.
        if isinstance(value, dict) and next(reversed(value)) == outer:
            holder = value[outer]
            if isinstance(holder, dict) and next(reversed(holder)) == inner:
                holder[inner] = items
                return value
    return strict_json.decode(name, content)


def _find(name: str, content: bytes, key: str) -> LongList | None:
    """What looks like the list of `key`, if only the ends of two objects follow it."""
    end = content.rfind(b"]")
    if end < 0 or not _TWO_OBJECTS_END.fullmatch(content, end + 1):
        return None
    written = b'"' + key.encode() + b'"'
    position = content.find(written)
    while position >= 0:
        behind = position + len(written)
        opening = _LIST_FOLLOWS.match(content, behind, end)
        if opening:
            return LongList(name, content, opening.end(), end)
        position = content.find(written, behind)
    return None
