"""The headers of a hub's weight files, each at its place in a sparse file of the full length.

So the rest of the lock reads them as it reads a folder, and no weight is ever downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.draft import trimmed_vocabulary
from tandem_runtime.lock.files.folder import LFS_POINTER
from tandem_runtime.lock.formats.binary import gguf_metadata
from tandem_runtime.lock.model import gguf_header, weights

FIRST_BYTES = 128 << 10
"""Holds the header of nearly every safetensors file, so that one request is enough."""
_FIRST_GGUF_BYTES = 1 << 20
_GROWTH = 4
_LENGTH_BYTES = 8


class Remote(Protocol):
    """A file that stands elsewhere."""

    @property
    def name(self) -> str: ...

    def read(self, start: int, size: int) -> bytes:
        """Up to `size` bytes from `start`; raises what its source raises."""
        ...


def safetensors(remote: Remote, size_bytes: int | None, place: Path) -> None:
    """Write the header, and a head's tables of ids, to `place`.

    Raises:
        RefusedError: a header that is none.
        CannotInspectError, HfHubHTTPError, httpx.HTTPError: as Remote.read.
    """
    content = remote.read(0, FIRST_BYTES)
    _refuse_pointer(remote.name, content)
    end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    if end > weights.MAX_HEADER_BYTES:
        raise lock_errors.malformed(remote.name, f"a header of {end - _LENGTH_BYTES} bytes")
    if end > len(content) >= FIRST_BYTES:
        content += remote.read(len(content), end - len(content))
    with place.open("wb") as file:
        file.write(content)
        if len(content) >= end:
            _tables(remote, file, content[_LENGTH_BYTES:end])
        _fill(file, size_bytes)


def gguf(remote: Remote, size_bytes: int | None, place: Path) -> gguf_header.Header | None:
    """Write metadata and table of tensors to `place`; None where the file ends within metadata.

    Raises:
        RefusedError: no GGUF file, or metadata beyond what is read.
        CannotInspectError, HfHubHTTPError, httpx.HTTPError: as Remote.read.
    """
    header, content, wanted = None, b"", _FIRST_GGUF_BYTES
    while True:
        content += remote.read(len(content), wanted - len(content))
        ended = len(content) < wanted
        _refuse_pointer(remote.name, content)
        try:
            header = gguf_header.parse(remote.name, content)
        except gguf_header.BeyondError as error:
            if wanted >= gguf_metadata.MAX_BYTES:
                raise lock_errors.too_large(
                    remote.name, f"metadata beyond {gguf_metadata.MAX_BYTES} bytes"
                ) from error
        if ended or wanted >= gguf_metadata.MAX_BYTES or (header and header.tensors is not None):
            break
        wanted = min(wanted * _GROWTH, gguf_metadata.MAX_BYTES)
    with place.open("wb") as file:
        file.write(content)
        # Zeros behind a torn header would be read as metadata.
        _fill(file, size_bytes if header and header.tensors is not None else None)
    return header


def _refuse_pointer(name: str, content: bytes) -> None:
    if content.startswith(LFS_POINTER):
        raise lock_errors.pointer(name)


def _tables(remote: Remote, file: BinaryIO, encoded: bytes) -> None:
    weights_table = weights.joined([(remote.name, weights.header(remote.name, encoded))])
    for key in trimmed_vocabulary.TABLES:
        tensor = None if weights_table is None else weights_table.tensors.get(key)
        if tensor is None:
            continue
        if tensor.size_bytes > weights.MAX_INTEGERS * 8:
            raise lock_errors.malformed(remote.name, f"{key} has {tensor.size_bytes} bytes")
        start = _LENGTH_BYTES + len(encoded) + tensor.start
        file.seek(start)
        file.write(remote.read(start, tensor.size_bytes))


def _fill(file: BinaryIO, size_bytes: int | None) -> None:
    if size_bytes is not None and size_bytes > file.seek(0, 2):
        file.truncate(size_bytes)
