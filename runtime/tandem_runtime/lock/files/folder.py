"""Reading a model's folder without trusting it: no link leads out, no pipe blocks, no size floods.

The only place of the lock that opens a model's files.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.errors import RefusedError

MAX_ENTRIES = 20_000
MAX_HASHED_BYTES = 256 << 20
"""Of all files together: those that a lock covers are a quarter of it in the largest models."""
_CHUNK_BYTES = 1 << 20
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1"
"""How such a pointer begins (git-lfs, docs/spec.md)."""
_HUB_CACHE_PREFIX = "models--"


@dataclass
class Hashed:
    """SHA-256 (hexadecimal) of files that were read whole, by name, and how long they are."""

    digests: dict[str, str] = field(default_factory=dict)
    total_bytes: int = 0

    def keep(self, name: str, digest: str, size_bytes: int) -> None:
        """Remember one file."""
        self.digests[name] = digest
        self.total_bytes += size_bytes


@dataclass(frozen=True)
class ModelFolder:
    """One model's files.

    `names` are those of the top level, sorted, without hidden ones, also of files that were not
    brought here (weights of a remote repository). `boundary` is the folder out of which no link
    may lead.
    """

    root: Path
    names: tuple[str, ...]
    boundary: Path
    hashed: Hashed = field(default_factory=Hashed, compare=False)

    def holds(self, name: str) -> bool:
        """Whether an entry of this name stands at the top level, of whatever kind."""
        return name in self.names

    def open(self, name: str) -> BinaryIO:
        """The regular file `name`, opened for reading.

        Raises:
            RefusedError: a link that leads to no file inside the folder, no regular file, or a
                pointer that Git LFS left in the file's place.
        """
        path = self.root / name
        try:
            resolved = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            if path.is_symlink():
                raise RefusedError(
                    lock_errors.SYMLINK_ESCAPE,
                    f"{name}: a link that leads to no file of the folder",
                ) from error
            raise lock_errors.malformed(name, f"cannot be opened ({error})") from error
        if not resolved.is_relative_to(self.boundary):
            raise RefusedError(
                lock_errors.SYMLINK_ESCAPE, f"{name}: a link that leads out of the model's folder"
            )
        try:
            # Without O_NONBLOCK a pipe without a writer would wait forever.
            handle = os.open(resolved, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise RefusedError(
                    lock_errors.SYMLINK_ESCAPE, f"{name}: became a link while it was read"
                ) from error
            raise lock_errors.malformed(name, f"cannot be opened ({error.strerror})") from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise lock_errors.malformed(name, "is no regular file")
        file = os.fdopen(handle, "rb")
        if file.peek(len(LFS_POINTER)).startswith(LFS_POINTER):
            file.close()
            raise lock_errors.pointer(name)
        return file

    def read(self, name: str, most_bytes: int) -> bytes:
        """The whole content of `name`; its SHA-256 is kept in `hashed`.

        Raises:
            RefusedError: as `open`, or TooLarge beyond `most_bytes`.
        """
        with self.open(name) as file:
            size = os.fstat(file.fileno()).st_size
            if size > most_bytes:
                raise lock_errors.too_large(name, f"{size} bytes, at most {most_bytes} are read")
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise lock_errors.too_large(name, f"more than {most_bytes} bytes")
        self.hashed.keep(name, hashlib.sha256(content).hexdigest(), len(content))
        return content

    def digest(self, name: str) -> str:
        """Hexadecimal SHA-256 of `name`, from `hashed` where it was read already.

        Raises:
            RefusedError: as `open`, or TooLarge where all that is hashed together exceeds
                MAX_HASHED_BYTES.
        """
        if name not in self.hashed.digests:
            sums, size = hashlib.sha256(), 0
            with self.open(name) as file:
                while chunk := file.read(_CHUNK_BYTES):
                    sums.update(chunk)
                    size += len(chunk)
                    if self.hashed.total_bytes + size > MAX_HASHED_BYTES:
                        raise lock_errors.too_large(
                            name, f"with it more than {MAX_HASHED_BYTES} bytes would be hashed"
                        )
            self.hashed.keep(name, sums.hexdigest(), size)
        return self.hashed.digests[name]


def at(path: Path, more_names: Iterable[str] = ()) -> ModelFolder:
    """The folder at `path`; for a single file, its folder with that file alone.

    Args:
        path: an existing folder or file.
        more_names: files of the repository that were not brought here.

    Raises:
        FileNotFoundError, PermissionError: the path itself cannot be listed.
        RefusedError: TooLarge for a folder of more than MAX_ENTRIES entries.
    """
    if not path.is_dir():
        path.stat()
        root = path.parent
        return ModelFolder(root, (path.name,), _boundary(root))
    names = set(more_names)
    with os.scandir(path) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                names.add(entry.name)
            if len(names) > MAX_ENTRIES:
                raise lock_errors.too_large(path.name, f"holds more than {MAX_ENTRIES} entries")
    return ModelFolder(path, tuple(sorted(names)), _boundary(path))


def _boundary(root: Path) -> Path:
    """The folder itself, or a hub cache's folder of the whole model.

    A hub cache keeps `models--org--name/snapshots/<commit>/file` as links into `../../blobs`.
    """
    resolved = root.resolve()
    holder = resolved.parent.parent
    if resolved.parent.name == "snapshots" and holder.name.startswith(_HUB_CACHE_PREFIX):
        return holder
    return resolved
