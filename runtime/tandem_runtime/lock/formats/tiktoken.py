"""Rank files of tiktoken: one line a token, base64 of its bytes and its rank. No special tokens."""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint.tokenizer import MAX_IDS, Tokenizer
from tandem_runtime.lock.formats.parts import ranks
from tandem_runtime.lock.formats.parts.added import AddedToken

FORMAT = "tiktoken"
_FIRST_LINE = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d{1,8}\r?\n")


def is_rank_file(start: bytes) -> bool:
    """Whether a file that begins so is one, whatever it is called."""
    return _FIRST_LINE.match(start) is not None


def read(folder: ModelFolder, name: str, more: Mapping[int, AddedToken]) -> Tokenizer:
    """The tokenizer in the file `name`; `more` are added tokens that stand in other files.

    Raises:
        RefusedError: Malformed or TooLarge.
    """
    lines = folder.read(name, strict_json.MAX_TOKENIZER_BYTES).split(b"\n")
    if len(lines) > MAX_IDS:
        raise lock_errors.too_large(name, f"more than {MAX_IDS} lines")
    texts: dict[int, bytes] = {}
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        try:
            text, rank = line.split()
            content = binascii.a2b_base64(text, strict_mode=True)
            token_id = int(rank) if rank.isdigit() and len(rank) <= 9 else -1
        except ValueError as error:
            raise lock_errors.malformed(name, f"line {index + 1} is no token and rank") from error
        if texts.setdefault(token_id, content) is not content:
            raise lock_errors.malformed(name, f"rank {token_id} stands twice")
    return ranks.tokenizer(FORMAT, name, texts, more)
