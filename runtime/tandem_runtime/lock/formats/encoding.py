"""Digests of the facts about encoding that more than one format carries."""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import Any

from tandem_runtime.lock import refusal
from tandem_runtime.lock.long_list import LongList


def merges_digest(name: str, merges: object, vocabulary: Mapping[str, int]) -> str:
    """`sha256:<hex>` over the ids (left, right; 4 bytes each, big-endian) of the ordered merges.

    Ids make the notations `"a b"` and `["a", "b"]` one. Raises RefusedError.
    """
    if isinstance(merges, LongList):
        blocks: Iterable[list[Any]] = merges.blocks()
    elif isinstance(merges, list):
        blocks = (merges,)
    else:
        raise refusal.malformed(name, "has no list of merges")
    sums = hashlib.sha256()
    for block in blocks:
        sums.update(_merge_ids(name, block, vocabulary))
    return "sha256:" + sums.hexdigest()


def _merge_ids(name: str, merges: list[Any], vocabulary: Mapping[str, int]) -> bytes:
    if str in set(map(type, merges)):
        merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in merges]
    if not set(map(type, merges)) <= {list} or not set(map(len, merges)) <= {2}:
        raise refusal.malformed(name, "a merge is no pair of tokens")
    pieces = list(chain.from_iterable(merges))
    try:
        # Half a million merges are common: one call looks a block's pieces up.
        ids = array("I", itemgetter(*pieces)(vocabulary) if pieces else ())
    except KeyError as error:
        raise refusal.malformed(
            name, f"a merge names {str(error.args[0])[:40]!r}, which is no token"
        ) from error
    except TypeError as error:
        raise refusal.malformed(name, "a merge is no pair of tokens") from error
    if sys.byteorder == "little":
        ids.byteswap()
    return ids.tobytes()


def scores_digest(ids: Sequence[int], scores: Sequence[float]) -> str:
    """`sha256:<hex>` over id (4 bytes) and score (IEEE 754 single precision), big-endian.

    Only of pieces that are neither special, added nor a byte: converters give those other scores.
    Raises OverflowError for a score beyond single precision.
    """
    pack = struct.Struct(">If").pack
    records = b"".join(pack(*record) for record in zip(ids, scores, strict=True))
    return "sha256:" + hashlib.sha256(records).hexdigest()
