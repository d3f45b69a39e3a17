"""The parts that formats are read by: defaults, fields of binary files, ids."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest

from tandem_runtime.lock.errors import RefusedError
from tandem_runtime.lock.fingerprint.tokenizer import ordered
from tandem_runtime.lock.formats import sentencepiece
from tandem_runtime.lock.formats.binary import gguf_metadata, wire
from tandem_runtime.lock.formats.parts.components import canonical_options

DEFAULTS: list[tuple[str, str, Any, Any]] = [
    ("BPE", "fuse_unk", False, True),
    ("BPE", "byte_fallback", False, True),
    ("BPE", "ignore_merges", False, True),
    ("BPE", "dropout", 0.0, 0.1),
    ("WordPiece", "max_input_chars_per_word", 100, 101),
    ("WordPiece", "continuing_subword_prefix", "##", ""),
    ("Unigram", "byte_fallback", False, True),
    ("ByteLevel", "add_prefix_space", True, False),
    ("ByteLevel", "use_regex", True, False),
    ("Split", "invert", False, True),
    ("Digits", "individual_digits", False, True),
    ("Metaspace", "split", True, False),
    ("BertNormalizer", "lowercase", True, False),
    ("BertNormalizer", "clean_text", True, False),
    ("BertNormalizer", "handle_chinese_chars", True, False),
    ("Strip", "strip_left", True, False),
    ("Strip", "strip_right", True, False),
]


@pytest.mark.parametrize(("kind", "option", "default", "other"), DEFAULTS)
def test_a_default_that_is_written_means_what_one_left_out_means(
    kind: str, option: str, default: Any, other: Any
) -> None:
    assert canonical_options({"type": kind, option: default}) == {"type": kind}
    assert canonical_options({"type": kind, option: other}) == {"type": kind, option: other}


def metadata(*entries: tuple[int, str, Any]) -> bytes:
    """A GGUF file without tensors that holds a key for each type, format and value."""
    parts = [b"GGUF", struct.pack("<IQQ", 3, 0, len(entries))]
    for place, (kind, form, value) in enumerate(entries):
        key = f"k{place}".encode()
        parts += [struct.pack("<Q", len(key)), key, struct.pack("<I", kind)]
        parts.append(struct.pack(f"<{form}", value))
    return b"".join(parts)


def test_every_scalar_of_a_gguf_file_is_read_as_its_type_says() -> None:
    entries = (
        (0, "B", 200), (1, "b", -3), (2, "H", 60_000), (3, "h", -300), (4, "I", 2**31),
        (5, "i", -70_000), (6, "f", 0.5), (7, "?", True), (10, "Q", 2**40), (11, "q", -(2**40)),
        (12, "d", 0.1),
    )  # fmt: skip

    read = gguf_metadata.read("m.gguf", io.BytesIO(metadata(*entries)))

    assert list(read.values()) == [value for _, _, value in entries]
    assert read["k7"] is True


def test_a_sentencepiece_model_says_its_kind_its_specials_and_its_normalizer() -> None:
    piece = b"\x0a\x03\x0a\x01a"  # field 1: a piece whose text is "a"
    trainer = b"\x12\x05\x18\x02\xc8\x02\x07"  # field 2: kind (3) is BPE (2), bos (41) is 7
    normalizer = b"\x1a\x03\x12\x01x"  # field 3: rules (2)

    gathered = sentencepiece._gather("m.model", piece + trainer + normalizer)

    assert (gathered.texts, gathered.model) == (["a"], "BPE")
    assert gathered.special_tokens == {"unk": 0, "bos": 7, "eos": 2, "pad": None}
    assert set(gathered.normalizer) == {"2"}


@pytest.mark.parametrize(
    ("number", "model"), [(1, "Unigram"), (2, "BPE"), (3, "Word"), (4, "Char"), (5, "unknown")]
)
def test_a_sentencepiece_model_is_of_one_of_four_kinds(number: int, model: str) -> None:
    trainer = b"\x12\x02\x18" + bytes([number])
    assert sentencepiece._gather("m.model", b"\x0a\x03\x0a\x01a" + trainer).model == model


@pytest.mark.parametrize(("field", "special"), [(40, "unk"), (41, "bos"), (42, "eos"), (43, "pad")])
def test_a_sentencepiece_model_names_each_of_its_specials(field: int, special: str) -> None:
    trainer = b"\x12\x03" + bytes([field << 3 & 0x7F | 0x80, field >> 4]) + b"\x09"
    gathered = sentencepiece._gather("m.model", b"\x0a\x03\x0a\x01a" + trainer)
    usual = {"unk": 0, "bos": 1, "eos": 2, "pad": None}
    assert gathered.special_tokens == usual | {special: 9}


@pytest.mark.parametrize(
    ("content", "value", "behind"),
    [(b"\x00", 0, 1), (b"\x7f", 127, 1), (b"\x80\x01", 128, 2), (b"\xac\x02", 300, 2)],
)
def test_a_number_of_a_protocol_buffer_ends_with_the_first_byte_below_128(
    content: bytes, value: int, behind: int
) -> None:
    assert wire.varint("m.model", content + b"\x05", 0) == (value, behind)


@pytest.mark.parametrize("count", [3, 4])
def test_a_sentencepiece_model_has_at_most_so_many_pieces(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(sentencepiece, "MAX_IDS", 3)
    content = b"".join(b"\x0a\x03\x0a\x01" + bytes([65 + index]) for index in range(count))
    if count <= 3:
        assert len(sentencepiece._gather("m.model", content).texts) == count
    else:
        with pytest.raises(RefusedError, match="more than 3 pieces"):
            sentencepiece._gather("m.model", content)


def test_without_a_trainer_it_is_unigram_with_the_usual_specials() -> None:
    gathered = sentencepiece._gather("m.model", b"\x0a\x03\x0a\x01a")

    assert (gathered.model, gathered.normalizer) == ("Unigram", {})
    assert gathered.special_tokens == {"unk": 0, "bos": 1, "eos": 2, "pad": None}


def test_ids_come_in_order_with_their_texts() -> None:
    assert ordered("f", {"b": 5, "a": 0, "c": 3}) == (["a", "c", "b"], [0, 3, 5])


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ({"a": 0, "b": True}, "the id of 'b' is True"),
        ({"a": 0, "b": "1"}, "the id of 'b' is 1"),
        ({"a": 0, "b": 0}, "id 0 stands for two tokens"),
        ({"a": 0, "b": -1}, "id -1 lies outside"),
        ({}, "has no tokens"),
    ],
)
def test_what_is_wrong_with_ids_is_named(pieces: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        ordered("f", pieces)
