"""Byte-level tokenizers given as bytes by rank, with special tokens aside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.fingerprint.tokenizer import MAX_ID, Tokenizer, check_lengths
from tandem_runtime.lock.formats.parts.added import AddedToken

LACKS = ("merges", "normalizer", "preTokenizer", "flags")


def tokenizer(
    form: str,
    name: str,
    ranks: Mapping[int, bytes],
    more: Mapping[int, AddedToken],
    special: Iterable[int] = (),
    encoder: Mapping[str, str] | None = None,
) -> Tokenizer:
    """Bytes by id, and the added tokens of other files, as one tokenizer. Raises RefusedError."""
    joined = dict(ranks)
    for token_id, token in more.items():
        content = token.content.encode()
        if joined.setdefault(token_id, content) != content:
            raise lock_errors.malformed(
                name, f"id {token_id} is another token than {token.content[:40]!r}"
            )
    ids = sorted(joined)
    if not ids:
        raise lock_errors.malformed(name, "has no tokens")
    if ids[0] < 0 or ids[-1] > MAX_ID:
        wrong = ids[0] if ids[0] < 0 else ids[-1]
        raise lock_errors.malformed(name, f"id {wrong} lies outside 0 to {MAX_ID}")
    check_lengths(name, joined.values())
    special_ids = {*special, *more}
    named = {joined[token_id].decode("utf-8", "replace"): token_id for token_id in special_ids}
    return Tokenizer(
        format=form,
        ids=ids,
        contents=[joined[token_id] for token_id in ids],
        kinds=bytes(len(ids)),
        pieces={**named, **{token.content: token_id for token_id, token in more.items()}},
        special_ids=frozenset(special_ids),
        encoder={"model": "BPE", **(encoder or {})},
        lacks=LACKS,
    )
