"""An object as the store keeps it: what is asked about it, and the rest as compressed JSON.

Parsed, the objects of a resource take about ten times the memory of their compressed JSON, and
most are read a few times in their life. `python -m hack.scale` prints the memory of an operator.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import orjson

from tandem_operator.api import names

Object = dict[str, Any]

FASTEST = 1
"""Level of zlib: the highest saves another tenth, at six times the time."""


@dataclass(frozen=True, slots=True)
class Packed:
    """``version`` orders the versions of one UID. ``pair`` is the label of the pair, if any.
    ``labelled`` says that a label names the resource: a watch brings the object."""

    uid: str
    version: int
    pair: str | None
    labelled: bool
    body: bytes

    def object(self) -> Object:
        """The object, parsed: the reader's own."""
        parsed: Object = orjson.loads(zlib.decompress(self.body))
        return parsed


def pack(raw: Object, *, labelled: bool) -> Packed:
    """An object of the API server in its packed form; `labelled` as in Packed."""
    metadata = raw["metadata"]
    labels = metadata.get("labels") or {}
    return Packed(
        uid=metadata["uid"],
        version=version_of(raw),
        pair=labels.get(names.LABEL_PAIR),
        labelled=labelled,
        body=zlib.compress(orjson.dumps(raw), FASTEST),
    )


def version_of(raw: Object) -> int:
    return int(raw["metadata"]["resourceVersion"])
