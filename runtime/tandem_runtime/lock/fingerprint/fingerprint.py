"""The fingerprint `tokfp/v1`, as docs/tokfp.md specifies it.

Any change of a byte that is hashed here needs a new version, never an edit.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from tandem_runtime.contract.pod_lock import canonical
from tandem_runtime.lock.fingerprint.tokenizer import Tokenizer

VERSION = "tokfp/v1"
LEAF_IDS = 4096


@dataclass(frozen=True)
class Fingerprint:
    """Hashes are `sha256:<hex>`; None where the files carry too little for one.

    `digest` also covers what is known of an incomplete part. `leaves` maps the number of a block
    of LEAF_IDS ids to its hash. `unknown` names the facts that the files do not carry.
    """

    digest: str
    vocab_hash: str
    specials_hash: str | None
    encoder_hash: str | None
    leaves: Mapping[int, bytes]
    unknown: tuple[str, ...]


def take(
    tokenizer: Tokenizer,
    special_tokens: Mapping[str, object],
    unknown_special_tokens: tuple[str, ...],
) -> Fingerprint:
    """The fingerprint of a tokenizer with these special ids (names as in special_tokens.py)."""
    leaves = _leaves(tokenizer)
    vocab = _hash(
        b"vocab",
        b"".join(struct.pack(">I", number) + leaf for number, leaf in sorted(leaves.items())),
    )
    special_part = _hash(b"specials", canonical(special_tokens).encode())
    encoder_part = _hash(b"encoder", canonical(tokenizer.encoder).encode())
    digest = _hash(b"tokenizer", f"{vocab}\n{special_part}\n{encoder_part}\n".encode())
    return Fingerprint(
        digest=f"{VERSION}:{digest}",
        vocab_hash=vocab,
        specials_hash=special_part if special_tokens else None,
        encoder_hash=None if tokenizer.lacks else encoder_part,
        leaves=leaves,
        unknown=(*unknown_special_tokens, *tokenizer.lacks),
    )


def _leaves(tokenizer: Tokenizer) -> dict[int, bytes]:
    """SHA-256 of the records of each block of ids that holds any.

    A record is id (4 bytes), kind (1 byte) and length (4 bytes), big-endian, then the bytes.
    """
    pack = struct.Struct(">IBI").pack
    ids, contents = tokenizer.ids, tokenizer.contents
    leaves: dict[int, bytes] = {}
    start, count = 0, len(ids)
    while start < count:
        number = ids[start] // LEAF_IDS
        limit = (number + 1) * LEAF_IDS
        # A block holds at most LEAF_IDS ids, fewer where ids are missing.
        end = min(start + LEAF_IDS, count)
        while ids[end - 1] >= limit:
            end -= 1
        chunk = contents[start:end]
        heads = map(pack, ids[start:end], tokenizer.kinds[start:end], map(len, chunk))
        records = b"".join(chain.from_iterable(zip(heads, chunk, strict=True)))
        leaves[number] = hashlib.sha256(records).digest()
        start = end
    return leaves


def _hash(part: bytes, content: bytes) -> str:
    """`sha256:<hex>` of `tokfp/v1 <part> LF <content>`."""
    return "sha256:" + hashlib.sha256(VERSION.encode() + b" " + part + b"\n" + content).hexdigest()
