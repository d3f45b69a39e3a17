"""Ids are hashed in blocks of 4096: a stored lock is only as good as that stays so."""

from __future__ import annotations

import hashlib
import json
import struct
from pathlib import Path

import pytest

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import inspect as inspect_side
from tests.unit.lock import builders


def record(token_id: int) -> bytes:
    """A token of usual kind, by docs/tokfp.md: id, kind and length, then its bytes."""
    text = f"w{token_id}".encode()
    return struct.pack(">IBI", token_id, 0, len(text)) + text


@pytest.mark.parametrize(
    "ids",
    [tuple(range(3 * 4096 + 1)), (4095, 4096), (0, 4096 * 5 - 1, 4096 * 5)],
    ids=["all", "at a border", "with gaps"],
)
def test_each_block_that_holds_an_id_has_the_hash_of_its_records(
    tmp_path: Path, ids: tuple[int, ...]
) -> None:
    vocabulary = {f"w{token_id}": token_id for token_id in ids}
    model = {"type": "BPE", "vocab": vocabulary, "merges": []}
    document = builders.tokenizer(added_tokens=[], model=model)
    files = {"tokenizer.json": json.dumps(document).encode()}
    fingerprint = inspect_side.at(folder.at(builders.write(tmp_path / "model", files))).fingerprint
    assert fingerprint is not None
    blocks: dict[int, bytes] = {}
    for token_id in ids:
        blocks[token_id // 4096] = blocks.get(token_id // 4096, b"") + record(token_id)
    assert fingerprint.leaves == {
        number: hashlib.sha256(records).digest() for number, records in blocks.items()
    }
