"""A model whose tokenizer has 256,000 ids, the largest in use."""

from __future__ import annotations

import functools
import itertools
import json
import string
from typing import Any

from tests.unit.lock import builders

IDS = 256_000


@functools.cache
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


def files(document: dict[str, Any]) -> dict[str, bytes]:
    """A model's files, the tokenizer laid out as the library does."""
    content = builders.files(document)
    return content | {"tokenizer.json": json.dumps(document, indent=2, ensure_ascii=False).encode()}
