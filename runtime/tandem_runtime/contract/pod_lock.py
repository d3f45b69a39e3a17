"""What a pod was locked to (`TANDEM_LOCK`), and the digest of the files that the lock saw.

The operator renders it into the pod, `tandem-fetch` verifies it, the plugin reads its hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tandem_runtime.contract import fields

VERSION = 1

PLUGIN_VLLM = "vllm"
PLUGIN_TENSORRT_LLM = "tensorrt_llm"
PLUGIN_START = "start"
NO_PLUGIN = "none"
"""What `tandem-fetch` puts into the plugin's folder. vLLM's is what a lock without a word means."""


@dataclass(frozen=True)
class LockedSide:
    """One side of a locked pair; the fields are those of contract.md, Pod lock.

    `path` is where the kubelet mounts a source in the engine's pod, None for one that is fetched.
    """

    uri: str
    revision: str | None
    files_digest: str
    tokenizer_digest: str | None = None
    path: str | None = None


@dataclass(frozen=True)
class PodLock:
    """A locked pair. `hash` is 16 hexadecimal digits; `hashed` makes it.

    `plugin` names the plugin that the pod's engine loads; the same pair has the same hash under
    every engine.
    """

    method: str
    target: LockedSide
    draft: LockedSide | None = None
    hash: str = ""
    plugin: str = PLUGIN_VLLM

    def sides(self) -> dict[str, LockedSide]:
        """The sides by name, `target` first."""
        by_side = {"target": self.target}
        if self.draft is not None:
            by_side["draft"] = self.draft
        return by_side


def hashed(lock: PodLock) -> PodLock:
    """The same lock with its hash: SHA-256 of its canonical JSON, cut to 16 hex.

    Neither `hash` nor `plugin` is part of what is hashed.
    """
    sums = hashlib.sha256(render(replace(lock, hash="", plugin=PLUGIN_VLLM)).encode())
    return replace(lock, hash=sums.hexdigest()[:16])


def parse(text: str | bytes) -> PodLock:
    """The lock in `text`; unknown keys are ignored. Raises fields.ContractError."""
    try:
        decoded = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise fields.ContractError(f"the pod lock is not JSON: {error}") from error
    return from_document(decoded)


def from_document(value: object) -> PodLock:
    """The lock in a decoded JSON document. Raises fields.ContractError."""
    holder = fields.document(value, "the pod lock")
    fields.version(holder, VERSION)
    draft = holder.get("draft")
    return PodLock(
        method=fields.text(holder, "method"),
        target=_side(holder.get("target"), "target"),
        draft=None if draft is None else _side(draft, "draft"),
        hash=fields.text(holder, "hash"),
        plugin=fields.optional_text(holder, "plugin") or PLUGIN_VLLM,
    )


def to_document(lock: PodLock) -> dict[str, Any]:
    """The lock as JSON values, for whoever stores it inside another document."""
    return {
        "version": VERSION,
        "hash": lock.hash,
        "method": lock.method,
        "target": _document(lock.target),
        "draft": None if lock.draft is None else _document(lock.draft),
        **({} if lock.plugin == PLUGIN_VLLM else {"plugin": lock.plugin}),
    }


def render(lock: PodLock) -> str:
    """The lock as canonical JSON: sorted keys, no spaces, ASCII. Same lock, same bytes."""
    return canonical(to_document(lock))


def hash_of(text: str | None) -> str:
    """The hash of the lock in a container's `TANDEM_LOCK`; "" where there is none."""
    lock = json.loads(text or "{}")
    return str(lock.get("hash", "")) if isinstance(lock, dict) else ""


def canonical(value: object) -> str:
    """Canonical JSON of any document: sorted keys, no spaces, ASCII."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=True)


def files_digest(digests: Mapping[str, str]) -> str:
    """`sha256:<hex>` over the sorted `name NUL sha256 LF` lines.

    Args:
        digests: name of each tokenizer and config file, relative to the model's folder, and the
            SHA-256 of its content, with or without the prefix `sha256:`.
    """
    sums = hashlib.sha256()
    for name, digest in sorted(digests.items()):
        sums.update(f"{name}\0{digest.removeprefix('sha256:')}\n".encode())
    return f"sha256:{sums.hexdigest()}"


def _document(side: LockedSide) -> dict[str, Any]:
    return {
        "uri": side.uri,
        "revision": side.revision,
        "path": side.path,
        "tokenizerDigest": side.tokenizer_digest,
        "filesDigest": side.files_digest,
    }


def _side(value: object, where: str) -> LockedSide:
    holder = fields.document(value, where)
    return LockedSide(
        uri=fields.text(holder, "uri"),
        revision=fields.optional_text(holder, "revision"),
        path=fields.optional_text(holder, "path"),
        tokenizer_digest=fields.optional_text(holder, "tokenizerDigest"),
        files_digest=fields.text(holder, "filesDigest"),
    )
