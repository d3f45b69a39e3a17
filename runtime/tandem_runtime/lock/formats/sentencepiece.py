"""`tokenizer.model` and `spiece.model` of SentencePiece: pieces with scores, no merges.

Field numbers are those of sentencepiece_model.proto, which the project promises to keep.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tandem_runtime.contract.pod_lock import canonical
from tandem_runtime.lock import errors as lock_errors
from tandem_runtime.lock.files import strict_json
from tandem_runtime.lock.files.folder import ModelFolder
from tandem_runtime.lock.fingerprint.tokenizer import BYTE, MAX_IDS, Tokenizer, ordered
from tandem_runtime.lock.formats.binary import wire
from tandem_runtime.lock.formats.parts import added, encoding
from tandem_runtime.lock.formats.parts.added import AddedToken
from tandem_runtime.lock.formats.parts.pieces import WORD_START

FORMAT = "sentencepiece"
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3
_TEXT, _SCORE, _TYPE = 1, 2, 3
_NORMAL, _BYTE = 1, 6
_MODEL_TYPE = 3
_MODELS = {1: "Unigram", 2: "BPE", 3: "Word", 4: "Char"}
_SPECIAL_IDS = {40: "unk", 41: "bos", 42: "eos", 43: "pad"}
_DEFAULT_IDS: dict[str, int] = {"unk": 0, "bos": 1, "eos": 2, "pad": -1}
_MAX_FIELDS = 2_000_000
"""Twice those of the largest known model: each piece is a field with three inside."""
LACKS = ("merges", "normalizer", "preTokenizer", "flags")


@dataclass
class _Gathered:
    """What the fields gather."""

    texts: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    types: list[int] = field(default_factory=list)
    model: str = "Unigram"
    special_tokens: dict[str, object] = field(default_factory=dict)
    normalizer: dict[str, object] = field(default_factory=dict)


def read(folder: ModelFolder, name: str, more: Mapping[int, AddedToken]) -> Tokenizer:
    """The tokenizer in the file `name`; `more` are added tokens that stand in other files.

    Raises:
        RefusedError: Malformed or TooLarge.
    """
    gathered = _gather(name, folder.read(name, strict_json.MAX_TOKENIZER_BYTES))
    vocabulary = {text: token_id for token_id, text in enumerate(gathered.texts)}
    if len(vocabulary) != len(gathered.texts):
        raise lock_errors.malformed(name, "a piece stands twice")
    texts, ids = ordered(name, added.join(name, vocabulary, more))
    contents = [text.replace(WORD_START, " ").encode() for text in texts]
    kinds = bytearray(len(texts))
    for index, kind in enumerate(gathered.types):
        if kind == _BYTE:
            contents[index] = _byte(name, gathered.texts[index])
            kinds[index] = BYTE
    normal = [index for index, kind in enumerate(gathered.types) if kind == _NORMAL]
    special_ids = {
        index for index, kind in enumerate(gathered.types) if kind not in (_NORMAL, _BYTE)
    }
    return Tokenizer(
        format=FORMAT,
        ids=ids,
        contents=contents,
        kinds=bytes(kinds),
        pieces={**vocabulary, **{token.content: token_id for token_id, token in more.items()}},
        special_ids=frozenset(special_ids | set(more)),
        encoder={
            "model": gathered.model,
            "scores": encoding.scores_digest(normal, [gathered.scores[index] for index in normal]),
            "normalizerSpec": "sha256:"
            + hashlib.sha256(canonical(gathered.normalizer).encode()).hexdigest(),
        },
        lacks=LACKS if gathered.model == "BPE" else LACKS[1:],
        special_tokens=gathered.special_tokens,
    )


def _gather(name: str, content: bytes) -> _Gathered:
    gathered = _Gathered()
    trainer: dict[int, int] = {}
    reader = wire.Reader(name, _MAX_FIELDS)
    for number, kind, value in reader.fields(content):
        if number not in (_PIECES, _TRAINER, _NORMALIZER):
            continue
        if kind != wire.LENGTH or not isinstance(value, bytes):
            raise lock_errors.malformed(name, "is no SentencePiece model")
        if number == _PIECES:
            _piece(name, reader.fields(value), gathered)
        elif number == _TRAINER:
            for inner, _, payload in reader.fields(value):
                if isinstance(payload, int):
                    trainer[inner] = wire.signed(payload)
        else:
            for inner, _, payload in reader.fields(value):
                shown = (
                    hashlib.sha256(payload).hexdigest() if isinstance(payload, bytes) else payload
                )
                if inner != 1:  # The rule's name; what it does stands in the other fields.
                    gathered.normalizer[str(inner)] = shown
    if not gathered.texts:
        raise lock_errors.malformed(name, "has no pieces")
    gathered.model = _MODELS.get(trainer.get(_MODEL_TYPE, 1), "unknown")
    for inner, special in _SPECIAL_IDS.items():
        token_id = trainer.get(inner, _DEFAULT_IDS[special])
        gathered.special_tokens[special] = None if token_id < 0 else token_id
    return gathered


def _piece(name: str, fields: Iterable[tuple[int, int, int | bytes]], gathered: _Gathered) -> None:
    text, score, kind = "", 0.0, _NORMAL
    for number, _, value in fields:
        if number == _TEXT and isinstance(value, bytes):
            try:
                text = value.decode()
            except UnicodeDecodeError as error:
                raise lock_errors.malformed(
                    name, f"piece {len(gathered.texts)} is not UTF-8"
                ) from error
        elif number == _SCORE and isinstance(value, bytes) and len(value) == 4:
            score = struct.unpack("<f", value)[0]
        elif number == _TYPE and isinstance(value, int):
            kind = value
    if len(gathered.texts) >= MAX_IDS:
        raise lock_errors.too_large(name, f"more than {MAX_IDS} pieces")
    gathered.texts.append(text)
    gathered.scores.append(score)
    gathered.types.append(kind)


def _byte(name: str, text: str) -> bytes:
    if len(text) == 6 and text.startswith("<0x") and text.endswith(">"):
        try:
            return bytes.fromhex(text[3:5])
        except ValueError:
            pass
    raise lock_errors.malformed(name, f"{text[:20]!r} is marked as a byte and names none")
