"""Protocol buffers read field by field: no schema compiler, no recursion, no length believed."""

from __future__ import annotations

from collections.abc import Iterator

from tandem_runtime.lock import errors as lock_errors

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_MAX_VARINT_BYTES = 10


class Reader:
    """Reads the messages of the file `name`, of `most_fields` fields altogether."""

    def __init__(self, name: str, most_fields: int) -> None:
        self._name = name
        self._left = most_fields

    def fields(self, content: bytes) -> Iterator[tuple[int, int, int | bytes]]:
        """Number, wire type and value of each field; values of fixed width stay bytes.

        Raises:
            RefusedError: Malformed or TooLarge.
        """
        name, position, size = self._name, 0, len(content)
        while position < size:
            self._left -= 1
            if self._left < 0:
                raise lock_errors.too_large(name, "has more fields than any known model")
            key, position = varint(name, content, position)
            number, kind = key >> 3, key & 7
            if number == 0:
                raise lock_errors.malformed(name, "is no protocol buffer (field 0)")
            if kind == VARINT:
                value, position = varint(name, content, position)
                yield number, kind, value
                continue
            if kind == LENGTH:
                length, position = varint(name, content, position)
            elif kind in (FIXED64, FIXED32):
                length = 8 if kind == FIXED64 else 4
            else:
                raise lock_errors.malformed(name, f"is no protocol buffer (wire type {kind})")
            end = position + length
            if end > size:
                raise lock_errors.malformed(name, f"ends within field {number}")
            yield number, kind, content[position:end]
            position = end


def varint(name: str, content: bytes, position: int) -> tuple[int, int]:
    """The integer at `position`, and the position behind it. Raises RefusedError."""
    value = shift = 0
    for index in range(position, min(position + _MAX_VARINT_BYTES, len(content))):
        byte = content[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index + 1
        shift += 7
    raise lock_errors.malformed(name, "ends within a number")


def signed(value: int) -> int:
    """A 64-bit two's complement value as Python's integer."""
    return value - (1 << 64) if value >> 63 else value
