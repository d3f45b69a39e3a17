"""Which of a folder's files is its tokenizer."""

from __future__ import annotations

from collections.abc import Mapping

from tandem_runtime.lock.folder import ModelFolder
from tandem_runtime.lock.formats import tokenizer_json
from tandem_runtime.lock.formats.added import AddedToken
from tandem_runtime.lock.tokenizer import Tokenizer


def read(folder: ModelFolder, more: Mapping[int, AddedToken]) -> Tokenizer | None:
    """The folder's tokenizer, None where it has none; `more` as for tokenizer_json.read.

    Raises:
        RefusedError: the file that would be loaded cannot be trusted or read.
    """
    if folder.holds("tokenizer.json"):
        return tokenizer_json.read(folder, "tokenizer.json", more)
    return None
