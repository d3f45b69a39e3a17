"""What a pod is told of its lock (`TANDEM_LOCK`), as the contract says."""

from __future__ import annotations

import json
from typing import Any

Object = dict[str, Any]

VERSION = 1


def text(lock: Object, paths: dict[str, str]) -> str:
    """The pod's lock; `paths` are those of mounted sources, by side."""
    document = {
        "version": VERSION,
        "hash": lock["hash"],
        "method": lock["method"],
        **{side: _side(lock.get(side), paths.get(side)) for side in ("target", "draft")},
    }
    return json.dumps(document, separators=(",", ":"), sort_keys=True)


def _side(held: Object | None, path: str | None) -> Object | None:
    if held is None:
        return None
    return {
        "uri": held["uri"],
        "revision": held["revision"],
        "path": path,
        "tokenizerDigest": held["tokenizerDigest"],
        "filesDigest": held["filesDigest"],
    }
