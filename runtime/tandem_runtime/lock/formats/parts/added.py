"""Tokens that stand beside the vocabulary: in tokenizer.json, or in tokenizer_config.json alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from tandem_runtime.contract.pod_lock import canonical
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.fingerprint.tokenizer import MAX_ID

MAX_ADDED = 100_000
"""Fifteen times the most that any known tokenizer has."""
Flags = tuple[bool, bool, bool, bool, bool]
"""single_word, lstrip, rstrip, normalized, special."""
_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")


@dataclass(frozen=True)
class AddedToken:
    """One added token."""

    content: str
    flags: Flags

    @property
    def special(self) -> bool:
        """Whether the token is special."""
        return self.flags[-1]


def listed(name: str, tokens: object) -> dict[int, AddedToken]:
    """`added_tokens` of a tokenizer.json, by id. Raises RefusedError."""
    if tokens is None:
        return {}
    if not isinstance(tokens, list):
        raise lock_errors.malformed(name, "added_tokens is no list")
    _check_count(name, len(tokens))
    added_tokens: dict[int, AddedToken] = {}
    for entry in tokens:
        token_id = entry.get("id") if isinstance(entry, dict) else None
        if type(token_id) is not int or not 0 <= token_id <= MAX_ID:
            raise lock_errors.malformed(name, f"an added token has the id {str(token_id)[:20]}")
        token = _token(name, entry)
        if added_tokens.setdefault(token_id, token) != token:
            raise lock_errors.malformed(name, f"id {token_id} stands for two added tokens")
    return added_tokens


def configured(name: str, config: Mapping[str, Any] | None) -> dict[int, AddedToken]:
    """`added_tokens_decoder` of a tokenizer_config.json, by id. Raises RefusedError."""
    tokens = None if config is None else config.get("added_tokens_decoder")
    if tokens is None:
        return {}
    if not isinstance(tokens, dict):
        raise lock_errors.malformed(name, "added_tokens_decoder is no object")
    _check_count(name, len(tokens))
    added_tokens: dict[int, AddedToken] = {}
    for key, entry in tokens.items():
        if not (key.isascii() and key.isdecimal()) or len(key) > 9 or int(key) > MAX_ID:
            raise lock_errors.malformed(name, f"an added token has the id {key[:20]!r}")
        added_tokens[int(key)] = _token(name, entry)
    return added_tokens


def merge(
    name: str, tokens: Mapping[int, AddedToken], more: Mapping[int, AddedToken]
) -> dict[int, AddedToken]:
    """Both, where `tokens` states the flags of what stands in both. Raises RefusedError."""
    for token_id, token in more.items():
        if token_id in tokens and tokens[token_id].content != token.content:
            raise lock_errors.malformed(
                name,
                f"id {token_id} is {tokens[token_id].content[:40]!r} here and "
                f"{token.content[:40]!r} in tokenizer_config.json",
            )
    return {**more, **tokens}


def join(
    name: str, vocabulary: Mapping[str, int], tokens: Mapping[int, AddedToken]
) -> dict[str, int]:
    """Text to id of vocabulary and added tokens together.

    Raises:
        RefusedError: an added token claims the id of another piece, or its text has another id.
    """
    pieces = dict(vocabulary)
    for token_id, token in tokens.items():
        known = pieces.setdefault(token.content, token_id)
        if known != token_id:
            raise lock_errors.malformed(
                name, f"added token {token.content[:40]!r} has the ids {known} and {token_id}"
            )
    return pieces


def flags(tokens: Mapping[int, AddedToken]) -> str:
    """`sha256:<hex>` over id and flags of every added token, in order of id."""
    rows = [[token_id, *map(int, tokens[token_id].flags)] for token_id in sorted(tokens)]
    return "sha256:" + hashlib.sha256(canonical(rows).encode()).hexdigest()


def _check_count(name: str, count: int) -> None:
    if count > MAX_ADDED:
        raise lock_errors.too_large(name, f"{count} added tokens, at most {MAX_ADDED} are read")


def _token(name: str, entry: object) -> AddedToken:
    if not isinstance(entry, dict) or not isinstance(entry.get("content"), str):
        raise lock_errors.malformed(name, "an added token has no content")
    written = tuple(map(entry.get, _FLAGS))
    # All are written as a rule, and a large vocabulary has thousands of added tokens.
    plain = set(map(type, written)) == {bool}
    flags = cast(Flags, written) if plain else _flags(name, written)
    return AddedToken(entry["content"], flags)


def _flags(name: str, written: Sequence[object]) -> Flags:
    special = _flag(name, "special", written[-1], False)
    single_word, lstrip, rstrip, normalized, _ = (
        _flag(name, key, value, key == "normalized" and not special)
        for key, value in zip(_FLAGS, written, strict=True)
    )
    return single_word, lstrip, rstrip, normalized, special


def _flag(name: str, key: str, value: object, default: bool) -> bool:
    if value is None:
        return default
    if not isinstance(value, bool):
        raise lock_errors.malformed(name, f"{key} of an added token is {str(value)[:20]}")
    return value
