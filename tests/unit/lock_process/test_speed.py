"""A pair report on a tokenizer of 256,000 ids: little time and memory beside the library's load."""

from __future__ import annotations

import itertools
import json
import string
from pathlib import Path
from typing import Any

import pytest

from tests.unit.lock import builders
from tests.unit.lock_process import measured
from tests.unit.lock_process.measured import Took

IDS = 256_000
MOST_BYTES = 500 << 20
MOST_TIMES_THE_LIBRARY = {"same": 1.5, "swapped": 2.0}
"""The same bytes on both sides are read once, and so are merges of the same text."""
ATTEMPTS = 2
"""The lesser of two times is that without the neighbours on the machine."""


def large() -> dict[str, Any]:
    """A BPE of IDS ids whose every longer piece has two merges, half a million in all."""
    letters = string.ascii_lowercase
    pieces = itertools.chain.from_iterable(
        map("".join, itertools.product(letters, repeat=length)) for length in (1, 2, 3, 4)
    )
    # Ids of the real files do not ascend with the alphabet either.
    words = sorted(itertools.islice(pieces, IDS - 2), key=lambda piece: (len(piece), piece[::-1]))
    known = set(words)
    merges = [[piece[:-1], piece[-1]] for piece in words if len(piece) > 1]
    merges += [[piece[0], piece[1:]] for piece in words if len(piece) > 2 and piece[0] != piece[-1]]
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": True,
    }
    return builders.tokenizer(
        pre_tokenizer=byte_level,
        decoder=byte_level,
        added_tokens=[builders.added(IDS - 2, "<|end|>"), builders.added(IDS - 1, "<|pad|>")],
        model={
            "type": "BPE",
            "vocab": {piece: index for index, piece in enumerate(words)},
            "merges": [pair for pair in merges if pair[0] in known and pair[1] in known],
        },
    )


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`target`, `same` with the same bytes, and `swapped` with two other ids."""
    path = tmp_path_factory.mktemp("large")
    document = large()
    for name in ("target", "same"):
        builders.write(path / name, files(document))
    vocabulary = document["model"]["vocab"]
    vocabulary["abc"], vocabulary["cba"] = vocabulary["cba"], vocabulary["abc"]
    builders.write(path / "swapped", files(document))
    return path


def files(document: dict[str, Any]) -> dict[str, bytes]:
    """A model's files, the tokenizer laid out as the library does."""
    content = builders.files(document)
    return content | {"tokenizer.json": json.dumps(document, indent=2, ensure_ascii=False).encode()}


def least(body: str, *arguments: str, status: int) -> Took:
    """The quickest of some runs that all end with `status`."""
    runs = [measured.run(body, *arguments) for _ in range(ATTEMPTS)]
    assert {run.status for run in runs} == {status}, runs[0].err
    return min(runs, key=lambda run: run.cpu_s)


@pytest.fixture(scope="module")
def library(room: Path) -> Took:
    return least(measured.LIBRARY, str(room / "target" / "tokenizer.json"), status=0)


@pytest.mark.parametrize(("draft", "status"), [("same", 0), ("swapped", 1)])
def test_a_report_costs_little_more_than_a_load(
    room: Path, library: Took, draft: str, status: int
) -> None:
    took = least(
        measured.COMMAND, "verify-pair", str(room / "target"), str(room / draft), status=status
    )
    assert took.cpu_s <= MOST_TIMES_THE_LIBRARY[draft] * library.cpu_s
    assert took.peak_bytes <= MOST_BYTES
