"""Which of a folder's files is its tokenizer, and what it holds."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint.tokenizer import Tokenizer
from tandem_runtime.lock.formats import (
    gguf,
    sentencepiece,
    tekken,
    tiktoken,
    tokenizer_json,
    word_files,
)
from tandem_runtime.lock.formats.parts import added
from tandem_runtime.lock.formats.parts.added import AddedToken

_MODEL_NAMES = ("tokenizer.model", "spiece.model")
_MODEL_FILE = re.compile(r"\.tiktoken$|\.model(?:\.v\d+\w*)?$")
"""Mistral counts the versions of its files behind the name."""
_ADDED = "added_tokens.json"
_SNIFFED_BYTES = 4096


@dataclass(frozen=True)
class Origin:
    """All that decides what a tokenizer is: a reader, its files' digests, other files' tokens."""

    reader: Callable[..., Tokenizer]
    digests: tuple[str, ...]
    more: tuple[tuple[int, AddedToken], ...]


Known = dict[Origin, Tokenizer]
"""Tokenizers that were read already. The sides of a pair have the same files more often than not,
and the largest take a second to read."""


@dataclass(frozen=True)
class _Choice:
    """`reader(folder, *names, more)` makes the tokenizer."""

    reader: Callable[..., Tokenizer]
    names: tuple[str, ...]

    def origin(self, folder: ModelFolder, more: Mapping[int, AddedToken]) -> Origin:
        return Origin(
            self.reader,
            tuple(folder.digest(name) for name in self.names),
            tuple(sorted(more.items(), key=itemgetter(0))),
        )


def read(folder: ModelFolder, more: Mapping[int, AddedToken], known: Known) -> Tokenizer | None:
    """The folder's tokenizer, None where it has none.

    The order is that in which loaders prefer formats: the fast tokenizer's file first, a model
    file's metadata last.

    Args:
        folder: the model's; one that holds a single file is judged by that file.
        more: added tokens that stand in tokenizer_config.json.
        known: what it holds is not read again; what is read is put into it.

    Raises:
        RefusedError: the file that would be loaded cannot be trusted or read.
    """
    names = folder.names
    choice = _of_one(folder, names[0]) if len(names) == 1 else _of_many(folder)
    if choice is None:
        return _from_gguf(folder)
    if choice.reader is not tokenizer_json.read:
        more = {**_older_added(folder), **more}
    tokenizer = known.get(choice.origin(folder, more)) if known else None
    if tokenizer is None:
        if choice.reader is tokenizer_json.read:
            tokenizer = tokenizer_json.read(folder, choice.names[0], more, known.values())
        else:
            tokenizer = choice.reader(folder, *choice.names, more)
        known[choice.origin(folder, more)] = tokenizer
    return tokenizer


def _of_many(folder: ModelFolder) -> _Choice | None:
    names = folder.names
    if "tokenizer.json" in names:
        return _Choice(tokenizer_json.read, ("tokenizer.json",))
    for name in _MODEL_NAMES:
        if name in names:
            return _Choice(_reader_of_model(folder, name), (name,))
    if "tekken.json" in names:
        return _Choice(tekken.read, ("tekken.json",))
    for name in names:
        if name.endswith(".tiktoken"):
            return _Choice(tiktoken.read, (name,))
    if "vocab.json" in names and "merges.txt" in names:
        return _Choice(word_files.read_bpe, ("vocab.json", "merges.txt"))
    if "vocab.txt" in names:
        return _Choice(word_files.read_wordpiece, ("vocab.txt",))
    return None


def _of_one(folder: ModelFolder, name: str) -> _Choice | None:
    """A file that was named itself, or is alone in its folder: its content tells its format."""
    if _MODEL_FILE.search(name):
        return _Choice(_reader_of_model(folder, name), (name,))
    if name.endswith(".txt"):
        return _Choice(word_files.read_wordpiece, (name,))
    if name.endswith(".json") and name != "config.json":
        with folder.open(name) as file:
            is_tekken = tekken.is_tekken_file(file.read(_SNIFFED_BYTES))
        return _Choice(tekken.read if is_tekken else tokenizer_json.read, (name,))
    return None


def _reader_of_model(folder: ModelFolder, name: str) -> Callable[..., Tokenizer]:
    with folder.open(name) as file:
        start = file.read(_SNIFFED_BYTES)
    if not start:
        raise lock_errors.malformed(name, "is empty")
    return tiktoken.read if tiktoken.is_rank_file(start) else sentencepiece.read


def _from_gguf(folder: ModelFolder) -> Tokenizer | None:
    """Read every time: a digest of the whole file would cost more than its metadata."""
    for name in folder.names:
        if name.endswith(".gguf") and os.path.lexists(folder.root / name):
            tokenizer = gguf.read(folder, name)
            if tokenizer is not None:
                return tokenizer
    return None


def _older_added(folder: ModelFolder) -> dict[int, AddedToken]:
    """`added_tokens.json`, which formats without added tokens had beside them."""
    if not folder.holds(_ADDED):
        return {}
    document = strict_json.read_object(folder, _ADDED, strict_json.MAX_CONFIG_BYTES)
    return added.listed(
        _ADDED, [{"id": token_id, "content": text} for text, token_id in document.items()]
    )
