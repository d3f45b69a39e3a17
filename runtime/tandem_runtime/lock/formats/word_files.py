"""Vocabularies in plain files: `vocab.json` with `merges.txt` (BPE), `vocab.txt` (WordPiece)."""

from __future__ import annotations

from collections.abc import Mapping

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint.tokenizer import MAX_IDS, Tokenizer, ordered
from tandem_runtime.lock.formats.parts import added, encoding
from tandem_runtime.lock.formats.parts.added import AddedToken
from tandem_runtime.lock.formats.parts.pieces import BYTE_LEVEL, VERBATIM

BPE_FORMAT = "vocab.json"
WORDPIECE_FORMAT = "vocab.txt"
LACKS = ("options", "normalizer", "preTokenizer", "flags")
_SPACE = "Ġ"
"""How byte-level vocabularies write a space; those of other alphabets have no such piece."""
_COMMENT = "#version"


def read_bpe(
    folder: ModelFolder, name: str, merges_name: str, more: Mapping[int, AddedToken]
) -> Tokenizer:
    """The tokenizer in `name` (text to id) and `merges_name`. Raises RefusedError."""
    vocabulary = strict_json.read_object(folder, name, strict_json.MAX_TOKENIZER_BYTES)
    lines = _lines(folder, merges_name)
    merges = [line for line in lines if line and not line.startswith(_COMMENT)]
    pieces = added.join(name, vocabulary, more)
    texts, ids = ordered(name, pieces)
    byte_level = any(text.startswith(_SPACE) for text in texts)
    contents, kinds = (BYTE_LEVEL if byte_level else VERBATIM).contents(texts)
    return Tokenizer(
        format=BPE_FORMAT,
        ids=ids,
        contents=contents,
        kinds=kinds,
        pieces=pieces,
        special_ids=frozenset(more),
        encoder={
            "model": "BPE",
            "merges": encoding.merges_digest(encoding.merge_ids(merges_name, merges, vocabulary)),
        },
        lacks=LACKS,
    )


def read_wordpiece(folder: ModelFolder, name: str, more: Mapping[int, AddedToken]) -> Tokenizer:
    """The tokenizer in `name`, one piece a line. Raises RefusedError."""
    lines = _lines(folder, name)
    while lines and not lines[-1]:
        lines.pop()
    vocabulary = {text: token_id for token_id, text in enumerate(lines)}
    if len(vocabulary) != len(lines):
        raise lock_errors.malformed(name, "a piece stands twice")
    pieces = added.join(name, vocabulary, more)
    texts, ids = ordered(name, pieces)
    contents, kinds = VERBATIM.contents(texts)
    return Tokenizer(
        format=WORDPIECE_FORMAT,
        ids=ids,
        contents=contents,
        kinds=kinds,
        pieces=pieces,
        special_ids=frozenset(more),
        encoder={"model": "WordPiece"},
        lacks=LACKS,
    )


def _lines(folder: ModelFolder, name: str) -> list[str]:
    content = folder.read(name, strict_json.MAX_TOKENIZER_BYTES)
    if content.count(b"\n") > MAX_IDS:
        raise lock_errors.too_large(name, f"more than {MAX_IDS} lines")
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise lock_errors.malformed(name, f"is not UTF-8 at byte {error.start}") from error
    # Not splitlines: a piece may hold U+2028 and its like.
    return [line.removesuffix("\r") for line in text.split("\n")]
