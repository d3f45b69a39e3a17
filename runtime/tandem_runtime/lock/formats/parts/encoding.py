"""Digests of the facts about encoding that more than one format carries."""

from __future__ import annotations

import hashlib
import struct
import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files.long_list import LongList
from tandem_runtime.lock.fingerprint.tokenizer import Merges, Tokenizer

_NONE = 0xFFFFFFFF
"""No id: those end at tokenizer.MAX_ID."""


def merges_digest(merges: Merges) -> str:
    """`sha256:<hex>` over the ids (left, right; 4 bytes each, big-endian) of the ordered merges."""
    ordered = array("I", merges.ids)
    if sys.byteorder == "little":
        ordered.byteswap()
    return "sha256:" + hashlib.sha256(ordered).hexdigest()


def merge_ids(
    name: str, merges: object, vocabulary: Mapping[str, int], known: Iterable[Tokenizer] = ()
) -> Merges:
    """The ordered merges by their ids.

    Ids make the notations `"a b"` and `["a", "b"]` one. The two sides of a pair have the same
    merges as a rule, also where some ids differ: a text that one of `known` had is not read again.

    Raises RefusedError.
    """
    if isinstance(merges, list):
        return Merges(_merge_ids(name, merges, vocabulary))
    if not isinstance(merges, LongList):
        raise lock_errors.malformed(name, "has no list of merges")
    text_digest = merges.digest()
    for other in known:
        if other.merges is not None and other.merges.text_digest == text_digest:
            translated = _translated(other.merges.ids, other.pieces, vocabulary)
            if translated is not None:
                return Merges(translated, text_digest)
    ids = array("I")
    for block in merges.blocks():
        ids.extend(_merge_ids(name, block, vocabulary))
    return Merges(ids, text_digest)


def _translated(
    ids: array[int], pieces: Mapping[str, int], vocabulary: Mapping[str, int]
) -> array[int] | None:
    """The same merges by another vocabulary's ids; None where that lacks one of their pieces.

    Nearly all entries stand at the same place in both, and are compared without being looked up.
    """
    ours, theirs = list(pieces.values()), list(vocabulary.values())
    paired = zip(pieces, vocabulary, ours, theirs, strict=False)
    other = [text for text, same, one, two in paired if text != same or one != two]
    other += islice(pieces, min(len(ours), len(theirs)), None)
    if not other:
        return ids
    meant = list(range(max(ours, default=-1) + 1))
    for text in other:
        meant[pieces[text]] = vocabulary.get(text, _NONE)
    indices = array("I", itemgetter(*ids)(meant) if len(ids) > 1 else ())
    return None if _NONE in meant and _NONE in indices else indices


def _merge_ids(name: str, merges: list[Any], vocabulary: Mapping[str, int]) -> array[int]:
    if str in set(map(type, merges)):
        merges = [merge.split(" ") if isinstance(merge, str) else merge for merge in merges]
    if not set(map(type, merges)) <= {list} or not set(map(len, merges)) <= {2}:
        raise lock_errors.malformed(name, "a merge is no pair of tokens")
    pieces = list(chain.from_iterable(merges))
    try:
        # Half a million merges are common: one call looks a block's pieces up.
        return array("I", itemgetter(*pieces)(vocabulary) if pieces else ())
    except KeyError as error:
        raise lock_errors.malformed(
            name, f"a merge names {str(error.args[0])[:40]!r}, which is no token"
        ) from error
    except TypeError as error:
        raise lock_errors.malformed(name, "a merge is no pair of tokens") from error


def scores_digest(ids: Sequence[int], scores: Sequence[float]) -> str:
    """`sha256:<hex>` over id (4 bytes) and score (IEEE 754 single precision), big-endian.

    Only of pieces that are neither special, added nor a byte: converters give those other scores.
    Raises OverflowError for a score beyond single precision.
    """
    pack = struct.Struct(">If").pack
    records = b"".join(pack(*record) for record in zip(ids, scores, strict=True))
    return "sha256:" + hashlib.sha256(records).hexdigest()
