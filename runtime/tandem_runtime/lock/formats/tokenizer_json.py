"""`tokenizer.json`, the format of the `tokenizers` library: BPE, Unigram, WordPiece, WordLevel."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from tandem_runtime.contract.pod_lock import canonical
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import long_list, strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.files.long_list import LongList
from tandem_runtime.lock.fingerprint.tokenizer import BYTE, Merges, Tokenizer, ordered
from tandem_runtime.lock.formats.parts import added, components, encoding
from tandem_runtime.lock.formats.parts.added import AddedToken
from tandem_runtime.lock.formats.parts.pieces import WORD_START, Decoding

FORMAT = "tokenizer.json"
KINDS = ("BPE", "Unigram", "WordPiece", "WordLevel")
"""The models that the `tokenizers` library has."""
_MAX_REPLACED = 16
_MAX_GROWTH = 4.0
"""How much longer the decoder may make a piece: no known one makes any longer."""
_STRUCTURE = ("type", "vocab", "merges", "unk_id")


def read(
    folder: ModelFolder,
    name: str,
    more: Mapping[int, AddedToken],
    known: Iterable[Tokenizer] = (),
) -> Tokenizer:
    """The tokenizer in the file `name`.

    Args:
        more: added tokens that stand in tokenizer_config.json alone.
        known: tokenizers that were read before; merges of theirs are not read again.

    Raises:
        RefusedError: Malformed or TooLarge.
    """
    content = folder.read(name, strict_json.MAX_TOKENIZER_BYTES)
    with suppress(long_list.BrokenError):
        return _tokenizer(name, long_list.decode(name, content, "model", "merges"), more, known)
    return _tokenizer(name, strict_json.decode(name, content), more, known)


def _tokenizer(
    name: str, value: object, more: Mapping[int, AddedToken], known: Iterable[Tokenizer]
) -> Tokenizer:
    document = strict_json.only_object(name, value)
    model = document.get("model")
    if not isinstance(model, dict):
        raise lock_errors.malformed(name, "has no model")
    vocabulary = _vocabulary(name, model)
    tokens = added.merge(name, added.listed(name, document.get("added_tokens")), more)
    pieces = added.join(name, vocabulary, tokens)
    texts, ids = ordered(name, pieces)
    contents, kinds = _decoding(name, document, model).contents(texts)
    merges = None
    if kind_of(name, model) == "BPE":
        merges = encoding.merge_ids(name, model.get("merges"), vocabulary, known)
    encoder = _encoder(name, document, model, merges, {*tokens, *_bytes_of(ids, kinds)})
    return Tokenizer(
        format=FORMAT,
        ids=ids,
        contents=contents,
        kinds=kinds,
        pieces=pieces,
        special_ids=frozenset(tokens),
        encoder=encoder | {"flags": added.flags(tokens)},
        special_tokens=_framing(name, document.get("post_processor")),
        merges=merges,
    )


def kind_of(name: str, model: Mapping[str, Any]) -> str:
    """One of KINDS; guessed as the library does where it is not written.

    Raises RefusedError (Malformed) for another type: the library does not load it.
    """
    kind = model.get("type")
    if kind is not None:
        if kind not in KINDS:
            raise lock_errors.malformed(
                name, f"its model's type is {str(kind)[:40]!r}, none of {', '.join(KINDS)}"
            )
        return str(kind)
    if "merges" in model:
        return "BPE"
    if isinstance(model.get("vocab"), list):
        return "Unigram"
    return "WordPiece" if "max_input_chars_per_word" in model else "WordLevel"


def _vocabulary(name: str, model: Mapping[str, Any]) -> dict[str, int]:
    listed = model.get("vocab")
    if isinstance(listed, dict):
        return listed
    if not isinstance(listed, list):
        raise lock_errors.malformed(name, "its model has no vocabulary")
    vocabulary: dict[str, int] = {}
    for token_id, entry in enumerate(listed):
        if (
            not isinstance(entry, list)
            or len(entry) != 2
            or not isinstance(entry[0], str)
            or type(entry[1]) not in (int, float)
        ):
            raise lock_errors.malformed(name, f"vocabulary entry {token_id} is no [piece, score]")
        vocabulary[entry[0]] = token_id
    if len(vocabulary) != len(listed):
        raise lock_errors.malformed(name, "a piece stands twice in the vocabulary")
    return vocabulary


def _decoding(name: str, document: Mapping[str, Any], model: Mapping[str, Any]) -> Decoding:
    decoders = components.steps(name, document.get("decoder"))
    if not decoders:
        # Without a decoder the pre-tokenizer tells in which alphabet the pieces are written.
        decoders = components.steps(name, document.get("pre_tokenizer"))
    byte_level, byte_fallback = False, model.get("byte_fallback") is True
    replaced: list[tuple[str, str]] = []
    for step in decoders:
        kind = step.get("type")
        if kind == "ByteLevel":
            byte_level = True
        elif kind == "ByteFallback":
            byte_fallback = True
        elif kind == "Metaspace":
            written = step.get("replacement", WORD_START)
            if not isinstance(written, str) or not written:
                raise lock_errors.malformed(name, "a Metaspace step replaces nothing")
            replaced.append((written, " "))
        elif kind == "Replace" and document.get("decoder") is not None:
            pattern, meant = step.get("pattern"), step.get("content")
            written = pattern.get("String") if isinstance(pattern, dict) else None
            if isinstance(written, str) and written and isinstance(meant, str):
                replaced.append((written, meant))
    growth = math.prod(max(1.0, len(meant) / len(written)) for written, meant in replaced)
    if len(replaced) > _MAX_REPLACED or growth > _MAX_GROWTH:
        raise lock_errors.too_large(name, "its decoder replaces too much")
    return Decoding(byte_level, byte_fallback, tuple(replaced))


def _encoder(
    name: str,
    document: Mapping[str, Any],
    model: dict[str, Any],
    merges: Merges | None,
    special: set[int],
) -> dict[str, str]:
    kind = kind_of(name, model)
    options = {key: value for key, value in model.items() if key not in _STRUCTURE}
    options = components.canonical_options({"type": kind, **options})
    if kind == "Unigram":
        options["unk_id"] = model.get("unk_id")
    facts = {
        "model": kind,
        "options": canonical(options),
        "normalizer": _digest(components.canonical_steps(name, document.get("normalizer"))),
        "preTokenizer": _digest(components.canonical_steps(name, document.get("pre_tokenizer"))),
    }
    written = model.get("merges")
    if merges is not None:
        facts["merges"] = encoding.merges_digest(merges)
    elif isinstance(written, LongList):
        # Without meaning there, but what is no JSON is refused wherever it stands.
        for _ in written.blocks():
            pass
    if kind == "Unigram":
        facts["scores"] = _scores(name, model["vocab"], special)
    regular = [
        step
        for step in components.canonical_steps(name, document.get("decoder"))
        if step.get("type") == "Replace"
        and isinstance(step.get("pattern"), dict)
        and "Regex" in step["pattern"]
    ]
    if regular:
        # What such a step makes of a piece is not computed, so at least a change of it is seen.
        facts["decoder"] = _digest(regular)
    return facts


def _bytes_of(ids: list[int], kinds: bytes) -> set[int]:
    if BYTE not in kinds:
        return set()
    return {token_id for token_id, kind in zip(ids, kinds, strict=True) if kind == BYTE}


def _scores(name: str, entries: object, special: set[int]) -> str:
    if not isinstance(entries, list):
        raise lock_errors.malformed(name, "its Unigram model has no list of pieces")
    normal = [token_id for token_id in range(len(entries)) if token_id not in special]
    try:
        return encoding.scores_digest(normal, [entries[token_id][1] for token_id in normal])
    except (OverflowError, struct.error) as error:
        raise lock_errors.malformed(name, "a score is beyond single precision") from error


def _framing(name: str, processor: object) -> dict[str, object]:
    """Whether the post-processor puts a special token before or after every text."""
    before = after = False
    for step in components.steps(name, processor):
        if step.get("type") in ("BertProcessing", "RobertaProcessing"):
            before = after = True
        single = step.get("single")
        if step.get("type") == "TemplateProcessing" and isinstance(single, list) and single:
            before |= isinstance(single[0], dict) and "SpecialToken" in single[0]
            after |= isinstance(single[-1], dict) and "SpecialToken" in single[-1]
    return {"addBos": before, "addEos": after}


def _digest(value: object) -> str:
    return "sha256:" + hashlib.sha256(canonical(value).encode()).hexdigest()
