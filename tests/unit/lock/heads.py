"""A draft head as files, and the tables of a trimmed vocabulary."""

from __future__ import annotations

import json
import struct
from typing import Any

from tests.unit.lock import builders
from tests.unit.lock.bench import Files


def head(**changes: Any) -> Files:
    config = {
        "architectures": ["Eagle3Speculator"],
        "hidden_size": 8,
        "vocab_size": 16,
        "speculators_config": {"verifier": {"name_or_path": "acme/chat"}},
    }
    merged = {key: value for key, value in (config | changes).items() if value is not None}
    return {"config.json": json.dumps(merged).encode()}


def tables(ids: list[int], rows: int = 16) -> bytes:
    """The weights of a head whose draft ids are these ids of the target."""
    offsets = [target_id - index for index, target_id in enumerate(ids)]
    marks = bytes(index in ids for index in range(rows))
    return builders.safetensors(
        d2t=("I64", [len(ids)], struct.pack(f"<{len(ids)}q", *offsets)),
        t2d=("BOOL", [rows], marks),
    )
