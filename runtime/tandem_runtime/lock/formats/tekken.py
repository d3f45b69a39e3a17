"""`tekken.json` of Mistral: bytes by rank behind a block of special tokens."""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint.tokenizer import MAX_IDS, Tokenizer
from tandem_runtime.lock.formats.parts import ranks
from tandem_runtime.lock.formats.parts.added import AddedToken

FORMAT = "tekken"
UNNAMED = "<SPECIAL_%d>"
_BEFORE_THEY_WERE_WRITTEN = (
    "<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]",
    "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
)  # fmt: skip
"""Special tokens of files that list none."""


def is_tekken_file(start: bytes) -> bool:
    """Whether a file that begins so is one, whatever it is called."""
    return b'"default_num_special_tokens"' in start or b'"token_bytes"' in start


def read(folder: ModelFolder, name: str, more: Mapping[int, AddedToken]) -> Tokenizer:
    """The tokenizer in the file `name`. Raises RefusedError (Malformed, TooLarge)."""
    document = strict_json.read_object(folder, name, strict_json.MAX_TOKENIZER_BYTES)
    config, vocabulary = document.get("config"), document.get("vocab")
    if not isinstance(config, dict) or not isinstance(vocabulary, list):
        raise lock_errors.malformed(name, "has no config and vocab")
    special_count = _count(name, config, "default_num_special_tokens")
    size = _count(name, config, "default_vocab_size")
    if special_count > size:
        raise lock_errors.malformed(
            name, f"{special_count} special tokens in a vocabulary of {size}"
        )
    special_tokens = _special_tokens(name, document.get("special_tokens"), special_count)
    # A file lists more ranks than its vocabulary takes.
    for rank, entry in enumerate(vocabulary[: size - special_count]):
        if not isinstance(entry, dict) or entry.get("rank") != rank:
            raise lock_errors.malformed(name, f"vocabulary entry {rank} has another rank")
        special_tokens[special_count + rank] = _bytes(name, entry.get("token_bytes"))
    pattern = config.get("pattern")
    encoder = {
        "pattern": "sha256:" + hashlib.sha256(pattern.encode()).hexdigest()
        if isinstance(pattern, str)
        else "none"
    }
    return ranks.tokenizer(FORMAT, name, special_tokens, more, range(special_count), encoder)


def _special_tokens(name: str, listed: object, count: int) -> dict[int, bytes]:
    special_tokens = {
        rank: (
            _BEFORE_THEY_WERE_WRITTEN[rank]
            if listed is None and rank < len(_BEFORE_THEY_WERE_WRITTEN)
            else UNNAMED % rank
        ).encode()
        for rank in range(count)
    }
    if listed is None:
        return special_tokens
    if not isinstance(listed, list):
        raise lock_errors.malformed(name, "special_tokens is no list")
    for entry in listed:
        rank = entry.get("rank") if isinstance(entry, dict) else None
        text = entry.get("token_str") if isinstance(entry, dict) else None
        if type(rank) is not int or not 0 <= rank < count or not isinstance(text, str):
            raise lock_errors.malformed(name, f"a special token has the rank {str(rank)[:20]}")
        special_tokens[rank] = text.encode()
    return special_tokens


def _count(name: str, config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if type(value) is not int or not 0 <= value <= MAX_IDS:
        raise lock_errors.malformed(name, f"{key} is {str(value)[:20]}")
    return value


def _bytes(name: str, text: object) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise lock_errors.malformed(name, "a token's bytes are no base64") from error
