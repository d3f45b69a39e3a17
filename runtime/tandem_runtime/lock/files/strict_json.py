"""JSON of untrusted origin: what a lenient reader would take silently is refused.

Duplicate keys, NaN, lone surrogates and bytes that are no UTF-8 mean different things to different
loaders, so no verdict could hold for all of them.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files.folder import ModelFolder

MAX_CONFIG_BYTES = 16 << 20
MAX_TOKENIZER_BYTES = 64 << 20
"""Twice the largest known tokenizer.json. One character beyond U+FFFF makes it five times as large
in memory."""
MAX_CONTAINERS = 1_200_000
"""Lists and objects in one document: twice what the largest known tokenizer has, and few
enough that they fit beside each other in a third of a gibibyte."""
MAX_ITEMS = 6_000_000
_HALF_PAIR = re.compile(
    rb"\\u[dD](?:"
    rb"(?P<high>[89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F]))"
    rb"|(?P<low>(?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD])[c-fC-F])"
    rb"|(?P<pair>(?<=\\\\u[dD])[89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]))"
)
"""What may be half of a surrogate pair: one without the other, or a pair behind a backslash, which
may take the first half's own backslash away."""
_BACKSLASH = ord("\\")


def read_object(folder: ModelFolder, name: str, most_bytes: int) -> dict[str, Any]:
    """The JSON object in the file `name`. Raises RefusedError (Malformed, TooLarge)."""
    return only_object(name, decode(name, folder.read(name, most_bytes)))


def only_object(name: str, value: object) -> dict[str, Any]:
    """The value, which must be an object. Raises RefusedError (Malformed)."""
    if not isinstance(value, dict):
        raise lock_errors.malformed(name, f"holds a JSON {type(value).__name__}, not an object")
    return value


def decode(name: str, content: bytes) -> object:
    """The JSON value in `content`; `name` is for messages. Raises RefusedError.

    Complexity: linear; at most MAX_CONTAINERS lists and objects and MAX_ITEMS values are made.
    """
    check_size(name, content)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise lock_errors.malformed(name, f"is not UTF-8 at byte {error.start}") from error

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) != len(pairs):
            raise lock_errors.malformed(name, f"an object has the key {_repeated(pairs)!r} twice")
        return entries

    def no_constant(constant: str) -> NoReturn:
        raise lock_errors.malformed(name, f"{constant} is no JSON number")

    try:
        value = json.loads(text, object_pairs_hook=unique, parse_constant=no_constant)
    except RecursionError:
        raise lock_errors.malformed(name, "is nested too deeply") from None
    except ValueError as error:
        raise lock_errors.malformed(name, f"is not JSON: {error}") from error
    # Only an escape can bring one in: the text itself was UTF-8.
    if _has_half_pair(content):
        raise lock_errors.malformed(name, "holds half of a surrogate pair, which is no character")
    return value


def check_size(name: str, content: bytes) -> None:
    """Raise RefusedError (TooLarge) for more than `decode` would make."""
    if content.count(b"[") + content.count(b"{") > MAX_CONTAINERS:
        raise lock_errors.too_large(name, f"more than {MAX_CONTAINERS} lists and objects")
    if content.count(b",") > MAX_ITEMS:
        raise lock_errors.too_large(name, f"more than {MAX_ITEMS} values")


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key[:40]
        seen.add(key)
    raise AssertionError("called without a repeated key")


def _has_half_pair(content: bytes) -> bool:
    """Whether valid JSON holds an escaped half of a surrogate pair."""
    if b"\\ud" not in content and b"\\uD" not in content:
        return False
    for match in _HALF_PAIR.finditer(content):
        before = match.start()
        while content[before - 1] == _BACKSLASH:
            before -= 1
        is_escape = (match.start() - before) % 2 == 0
        if is_escape != (match.lastgroup == "pair"):
            return True
    return False
