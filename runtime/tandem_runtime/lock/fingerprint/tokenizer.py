"""What every format is read into: ids with the bytes that they stand for, and encoding facts."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tandem_runtime.lock import errors as lock_errors

MAX_ID = (1 << 23) - 1
"""32 times the largest known vocabulary; ids beyond it are refused."""
MAX_IDS = 1_000_000
"""Four times the largest known vocabulary."""
MAX_PIECE_CHARACTERS = 65_536
"""Thirty times the longest known piece."""

TEXT = 0
BYTE = 1
"""Kinds of piece: the same byte string may be a piece of text (`A`) and a fallback for one byte
(`<0x41>`), under two ids."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Merges:
    """Merges as they were read: ids of left and right in turn, and the digest of their text.

    `text_digest` is None where the text did not stand in one piece.
    """

    ids: array[int]
    text_digest: bytes | None = None


@dataclass(frozen=True)
class Tokenizer:
    """One tokenizer, whatever file it came from.

    `ids` ascend; `contents` and `kinds` stand beside them. `pieces` maps the text of a piece, as
    the file writes it, to its id. `special_ids` are ids that stand beside the
    learned vocabulary: special, control, user-defined and added tokens.
    `encoder` maps the name of each fact about encoding that the format carries to its value;
    `lacks` names those that it cannot carry. `special_tokens` are special ids that the format
    itself states (see special_tokens.py for the names). `merges` spare another file of the same
    text their reading.
    """

    format: str
    ids: Sequence[int]
    contents: Sequence[bytes]
    kinds: bytes
    pieces: Mapping[str, int]
    special_ids: frozenset[int]
    encoder: Mapping[str, str]
    lacks: tuple[str, ...] = ()
    special_tokens: Mapping[str, object] = field(default_factory=dict)
    chat_template: str | None = None
    merges: Merges | None = field(default=None, compare=False, repr=False)


def ordered(name: str, pieces: Mapping[str, int]) -> tuple[list[str], list[int]]:
    """Texts and ids in ascending order of id.

    Raises:
        RefusedError: an id that is no integer from 0 to MAX_ID or stands twice; too many ids, or a
            piece that is too long.
    """
    if len(pieces) > MAX_IDS:
        raise lock_errors.too_large(name, f"{len(pieces)} ids, at most {MAX_IDS} are read")
    if not set(map(type, pieces.values())) <= {int}:
        text, token_id = next(item for item in pieces.items() if type(item[1]) is not int)
        raise lock_errors.malformed(name, f"the id of {text[:40]!r} is {str(token_id)[:20]}")
    if not pieces:
        raise lock_errors.malformed(name, "has no tokens")
    texts, written = list(pieces), list(pieces.values())
    check_lengths(name, texts)
    ids = sorted(written)
    if ids[0] < 0 or ids[-1] > MAX_ID:
        wrong = ids[0] if ids[0] < 0 else ids[-1]
        raise lock_errors.malformed(name, f"id {wrong} lies outside 0 to {MAX_ID}")
    if len(set(ids)) != len(ids):
        twice = next(one for one, two in pairwise(ids) if one == two)
        raise lock_errors.malformed(name, f"id {twice} stands for two tokens")
    if ids != written:
        # Most files list their ids in order already, which spares this.
        texts = list(map(texts.__getitem__, sorted(range(len(written)), key=written.__getitem__)))
    return texts, ids


def check_lengths(name: str, texts: Iterable[str | bytes]) -> None:
    """Raise RefusedError for a piece beyond MAX_PIECE_CHARACTERS (bytes, where it is bytes)."""
    longest = max(map(len, texts), default=0)
    if longest > MAX_PIECE_CHARACTERS:
        raise lock_errors.malformed(name, f"a piece has {longest} characters")
