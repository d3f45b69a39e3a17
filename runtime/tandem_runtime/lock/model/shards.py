"""What the index of sharded weights lists, against the files and headers that are there."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.model.weights import SUFFIX, Weights

INDEX = "model.safetensors.index.json"
MAX_BYTES = 64 << 20
MAX_PARTS = 1_000
SHOWN = 3
_PART = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.safetensors")


@dataclass(frozen=True)
class Index:
    """Which file each tensor stands in, by the repository's own index."""

    file_of: Mapping[str, str]


def read(folder: ModelFolder) -> Index | None:
    """The index, None where the folder brings none. Raises RefusedError."""
    if not folder.holds(INDEX) or not os.path.lexists(folder.root / INDEX):
        return None
    document = strict_json.read_object(folder, INDEX, MAX_BYTES)
    weight_map = document.get("weight_map")
    if not isinstance(weight_map, dict) or not all(
        isinstance(name, str) for name in weight_map.values()
    ):
        raise lock_errors.malformed(INDEX, "weight_map is no table of tensors and their files")
    return Index(weight_map)


def missing(index: Index, folder: ModelFolder, weights: Weights | None) -> str | None:
    """What the index lists and the files do not hold, None for nothing.

    A folder that holds no weights at all may be a copy without them; that is told elsewhere.
    """
    files = sorted(set(index.file_of.values()))
    absent = [name for name in files if not folder.holds(name)]
    if absent:
        if not any(name.endswith(SUFFIX) for name in folder.names):
            return None
        return f"lists {len(files)} files of weights, and {_listed(absent)} not there"
    tensors = {} if weights is None else weights.tensors
    if not tensors:
        return None
    read_whole = {tensor.file for tensor in tensors.values()}
    lost = sorted(
        name for name, file in index.file_of.items() if file in read_whole and name not in tensors
    )
    if lost:
        return f"lists tensors that no file holds: {', '.join(lost[:SHOWN])} ({len(lost)} in all)"
    return None


def missing_parts(folder: ModelFolder) -> str | None:
    """What the names of shards without an index tell: `-00001-of-00003` says that there are three.

    Parts of one upload beside a whole one, or beside a file of all weights, are only left over.
    """
    wholes = [name for name in folder.names if name.endswith(SUFFIX)]
    parts: dict[tuple[str, int], set[int]] = {}
    for name in wholes:
        part = _PART.fullmatch(name)
        if part is not None:
            parts.setdefault((part["stem"], int(part["count"])), set()).add(int(part["number"]))
    if not parts or sum(map(len, parts.values())) < len(wholes):
        return None
    lost = [
        [
            f"{stem}-{number:05}-of-{count:05}{SUFFIX}"
            for number in range(1, min(count, MAX_PARTS) + 1)
            if number not in present
        ]
        for (stem, count), present in parts.items()
    ]
    return f"are not all there: {_listed(lost[0])} not" if all(lost) else None


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{shown}{more} {'is' if len(names) == 1 else 'are'}"
