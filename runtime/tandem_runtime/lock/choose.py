"""Which of a folder's files is its tokenizer."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tandem_runtime.lock import refusal, strict_json
from tandem_runtime.lock.folder import ModelFolder
from tandem_runtime.lock.formats import (
    added,
    gguf,
    sentencepiece,
    tekken,
    tiktoken,
    tokenizer_json,
    word_files,
)
from tandem_runtime.lock.formats.added import AddedToken
from tandem_runtime.lock.tokenizer import Tokenizer

_MODEL_NAMES = ("tokenizer.model", "spiece.model")
_ADDED = "added_tokens.json"
_SNIFFED_BYTES = 4096


def read(folder: ModelFolder, more: Mapping[int, AddedToken]) -> Tokenizer | None:
    """The folder's tokenizer, None where it has none.

    The order is that in which loaders prefer formats: the fast tokenizer's file first, a model
    file's metadata last.

    Args:
        folder: the model's; one that holds a single file is judged by that file.
        more: added tokens that stand in tokenizer_config.json.

    Raises:
        RefusedError: the file that would be loaded cannot be trusted or read.
    """
    names = folder.names
    if len(names) == 1:
        return _single(folder, names[0], more)
    if "tokenizer.json" in names:
        return tokenizer_json.read(folder, "tokenizer.json", more)
    more = {**_older_added(folder), **more}
    for name in _MODEL_NAMES:
        if name in names:
            return _model_file(folder, name, more)
    if "tekken.json" in names:
        return tekken.read(folder, "tekken.json", more)
    for name in names:
        if name.endswith(".tiktoken"):
            return tiktoken.read(folder, name, more)
    if "vocab.json" in names and "merges.txt" in names:
        return word_files.read_bpe(folder, "vocab.json", "merges.txt", more)
    if "vocab.txt" in names:
        return word_files.read_wordpiece(folder, "vocab.txt", more)
    for name in names:
        if name.endswith(".gguf") and os.path.lexists(folder.root / name):
            found = gguf.read(folder, name)
            if found is not None:
                return found
    return None


def _single(folder: ModelFolder, name: str, more: Mapping[int, AddedToken]) -> Tokenizer | None:
    """A file that was named itself, or is alone in its folder: its content tells its format."""
    if name.endswith(".gguf"):
        return gguf.read(folder, name)
    if name.endswith((".model", ".tiktoken")):
        return _model_file(folder, name, more)
    if name.endswith(".txt"):
        return word_files.read_wordpiece(folder, name, more)
    if name.endswith(".json") and name != "config.json":
        with folder.open(name) as file:
            is_tekken = tekken.is_tekken_file(file.read(_SNIFFED_BYTES))
        if is_tekken:
            return tekken.read(folder, name, more)
        return tokenizer_json.read(folder, name, more)
    return None


def _model_file(folder: ModelFolder, name: str, more: Mapping[int, AddedToken]) -> Tokenizer:
    with folder.open(name) as file:
        start = file.read(_SNIFFED_BYTES)
    if not start:
        raise refusal.malformed(name, "is empty")
    if tiktoken.is_rank_file(start):
        return tiktoken.read(folder, name, more)
    return sentencepiece.read(folder, name, more)


def _older_added(folder: ModelFolder) -> dict[int, AddedToken]:
    """`added_tokens.json`, which formats without added tokens had beside them."""
    if not folder.holds(_ADDED):
        return {}
    held = strict_json.read_object(folder, _ADDED, strict_json.MAX_CONFIG_BYTES)
    return added.listed(
        _ADDED, [{"id": token_id, "content": text} for text, token_id in held.items()]
    )
