"""GGUF: the tokenizer in a model file's metadata, read without touching a tensor.

Layout: ggml's gguf.md, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint.tokenizer import (
    BYTE,
    MAX_IDS,
    Tokenizer,
    check_lengths,
)
from tandem_runtime.lock.formats.binary import gguf_metadata
from tandem_runtime.lock.formats.parts import encoding
from tandem_runtime.lock.formats.parts.pieces import BYTE_LEVEL, WORD_START

FORMAT = "gguf"
_PREFIX = "tokenizer.ggml."
_NORMAL, _UNKNOWN, _USER, _UNUSED, _BYTE = 1, 2, 4, 5, 6
_PADDING = re.compile(r"\[PAD\d+\]")
_PADDING_TYPES = (_UNKNOWN, _USER, _UNUSED)
_MODELS = {"gpt2": "BPE", "llama": "BPE", "gemma4": "BPE", "t5": "Unigram", "bert": "WordPiece"}
_SPECIALS = {
    "bos": "bos_token_id",
    "eos": "eos_token_id",
    "unk": "unknown_token_id",
    "pad": "padding_token_id",
}
_FRAMING = {"addBos": "add_bos_token", "addEos": "add_eos_token"}
LACKS = ("normalizer", "preTokenizer", "flags", "options")


def read(folder: ModelFolder, name: str) -> Tokenizer | None:
    """The tokenizer in the file `name`, None where it carries none.

    Raises:
        RefusedError: Malformed or TooLarge.
    """
    with folder.open(name) as file:
        metadata = gguf_metadata.read(name, file)
    model, texts = metadata.get(_PREFIX + "model"), metadata.get(_PREFIX + "tokens")
    if model in (None, "none", "no_vocab") or texts is None:
        return None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise lock_errors.malformed(name, "its tokens are no list of strings")
    if len(texts) > MAX_IDS:
        raise lock_errors.too_large(name, f"{len(texts)} tokens, at most {MAX_IDS} are read")
    types = _listed(name, metadata, "token_type", len(texts), _NORMAL)
    ids = [
        index
        for index, (text, kind) in enumerate(zip(texts, types, strict=True))
        if not (kind in _PADDING_TYPES and _PADDING.fullmatch(text))
    ]
    if not ids:
        raise lock_errors.malformed(name, "has no tokens")
    check_lengths(name, texts)
    pieces = {texts[index]: index for index in ids}
    if len(pieces) != len(ids):
        raise lock_errors.malformed(name, "a piece stands twice")
    contents, kinds = _contents(name, str(model), texts, types, ids)
    return Tokenizer(
        format=FORMAT,
        ids=ids,
        contents=contents,
        kinds=kinds,
        pieces=pieces,
        special_ids=frozenset(index for index in ids if types[index] not in (_NORMAL, _BYTE)),
        encoder=_encoder(name, str(model), metadata, pieces, types, ids),
        lacks=LACKS if _PREFIX + "merges" in metadata else ("merges", *LACKS),
        special_tokens=_special_tokens(metadata),
        chat_template=_text(metadata.get("tokenizer.chat_template")),
    )


def _contents(
    name: str, model: str, texts: list[str], types: list[int], ids: list[int]
) -> tuple[list[bytes], bytes]:
    kept = [texts[index] for index in ids]
    if model == "gpt2":
        return BYTE_LEVEL.contents(kept)
    if model == "bert":
        words = (_word_piece(text, types[index]) for text, index in zip(kept, ids, strict=True))
        return [word.encode() for word in words], bytes(len(ids))
    contents = [text.replace(WORD_START, " ").encode() for text in kept]
    kinds = bytearray(len(ids))
    for position, index in enumerate(ids):
        if types[index] == _BYTE:
            try:
                contents[position] = bytes.fromhex(texts[index].removeprefix("<0x").rstrip(">"))
            except ValueError as error:
                raise lock_errors.malformed(name, f"byte token {index} names no byte") from error
            kinds[position] = BYTE
    return contents, bytes(kinds)


def _word_piece(text: str, kind: int) -> str:
    """WordPiece's own notation: converters mark the starts of words instead of continuations."""
    if kind != _NORMAL or (len(text) > 2 and text[0] == "[" and text[-1] == "]"):
        return text
    return text[1:] if text.startswith(WORD_START) else "##" + text


def _encoder(
    name: str,
    model: str,
    metadata: Mapping[str, Any],
    pieces: Mapping[str, int],
    types: list[int],
    ids: list[int],
) -> dict[str, str]:
    facts = {"model": _MODELS.get(model, model)}
    pre = _text(metadata.get(_PREFIX + "pre"))
    if pre is not None:
        facts["preTokenizerName"] = pre
    if _PREFIX + "merges" in metadata:
        facts["merges"] = encoding.merges_digest(
            encoding.merge_ids(name, metadata[_PREFIX + "merges"], pieces)
        )
    if model in ("llama", "t5") and _PREFIX + "scores" in metadata:
        scores = _listed(name, metadata, "scores", len(types), 0.0)
        normal = [index for index in ids if types[index] == _NORMAL]
        facts["scores"] = encoding.scores_digest(normal, [scores[index] for index in normal])
    return facts


def _special_tokens(metadata: Mapping[str, Any]) -> dict[str, object]:
    known: dict[str, object] = {}
    wanted: tuple[tuple[dict[str, str], Callable[[object], bool]], ...] = (
        (_SPECIALS, lambda value: type(value) is int),
        (_FRAMING, lambda value: isinstance(value, bool)),
    )
    for names, fits in wanted:
        for fact, key in names.items():
            value = metadata.get(_PREFIX + key)
            if fits(value):
                known[fact] = value
    return known


def _listed(name: str, metadata: Mapping[str, Any], key: str, count: int, default: Any) -> Any:
    entries = metadata.get(_PREFIX + key)
    if entries is None:
        return [default] * count
    if (
        not isinstance(entries, list)
        or len(entries) != count
        or not all(type(value) is type(default) for value in entries)
    ):
        raise lock_errors.malformed(name, f"{key} does not match its {count} tokens")
    return entries


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
