"""A model's history on the local hub: commits of files, branches, and who may read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

LARGE_SUFFIXES = (".safetensors", ".bin", ".gguf", ".model")
"""Files that a hub keeps as large files: addressed by SHA-256 and served from another address."""


class Access(Enum):
    """Who may read a repository."""

    PUBLIC = "public"
    PRIVATE = "private"
    GATED = "gated"


@dataclass(frozen=True)
class StoredFile:
    """One file of a commit. `oid` is the blob's SHA-1, `sha256` set for large files."""

    content: bytes
    oid: str
    sha256: str | None

    @property
    def etag(self) -> str:
        """What a download is checked against."""
        return self.sha256 or self.oid


@dataclass
class Repository:
    """One model.

    Where it is not public, `tokens` are those that may see it; `accepted` those whose account took
    a gated model's terms. `sums` is the hub's own index of weights, by commit: {parameters, total}.
    """

    name: str
    access: Access = Access.PUBLIC
    tokens: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, StoredFile]] = field(default_factory=dict)
    sums: dict[str, dict[str, object]] = field(default_factory=dict)

    def commit(self, files: Mapping[str, bytes], branch: str = "main") -> str:
        """Make a commit of exactly these files the head of `branch`; returns its id."""
        stored = {path: store(path, content) for path, content in sorted(files.items())}
        parent = self.branches.get(branch, "")
        listing = "".join(f"{path}\0{file.oid}\n" for path, file in stored.items())
        commit = hashlib.sha1(f"{parent}\n{listing}".encode()).hexdigest()
        self.commits[commit] = stored
        self.branches[branch] = commit
        return commit

    def resolve(self, revision: str) -> str | None:
        """The commit of a branch, a full commit, or the start of one; None where there is none."""
        if revision in self.branches:
            return self.branches[revision]
        matches = [commit for commit in self.commits if commit.startswith(revision)]
        return matches[0] if len(revision) >= 7 and len(matches) == 1 else None


def store(path: str, content: bytes) -> StoredFile:
    """A file as git and the large-file store name it."""
    blob = b"blob %d\0" % len(content) + content
    large = path.endswith(LARGE_SUFFIXES)
    return StoredFile(
        content,
        hashlib.sha1(blob).hexdigest(),
        hashlib.sha256(content).hexdigest() if large else None,
    )
