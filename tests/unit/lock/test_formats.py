"""One tokenizer in several formats: the same ids, and what a format cannot say is unknown."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict.inspect import Side
from tests.unit.lock import builders

BYTES = [b"a", b"b", b" ", b"ab", b" a"]
WRITTEN = ["a", "b", "Ġ", "ab", "Ġa"]
MERGES = ["a b", "Ġ a"]
END = "<|end|>"
CONFIG = {"added_tokens_decoder": {"5": {"content": END, "special": True}}, "eos_token": END}


def as_json() -> dict[str, bytes]:
    return {
        "tokenizer.json": json.dumps(
            {
                "added_tokens": [builders.added(5, END)],
                "pre_tokenizer": {"type": "ByteLevel"},
                "decoder": {"type": "ByteLevel"},
                "model": {
                    "type": "BPE",
                    "vocab": {text: index for index, text in enumerate(WRITTEN)},
                    "merges": MERGES,
                },
            }
        ).encode()
    }


def as_words() -> dict[str, bytes]:
    return {
        "vocab.json": json.dumps({text: index for index, text in enumerate(WRITTEN)}).encode(),
        "merges.txt": ("#version: 0.2\n" + "\n".join(MERGES) + "\n").encode(),
    }


def as_ranks(name: str = "qwen.tiktoken") -> dict[str, bytes]:
    lines = [base64.b64encode(content) + b" %d\n" % index for index, content in enumerate(BYTES)]
    return {name: b"".join(lines)}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def strings(key: str, values: list[str]) -> bytes:
    return (
        text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(text(each) for each in values)
    )


def numbers(key: str, kind: int, form: str, values: list[Any]) -> bytes:
    head = struct.pack("<IIQ", 9, kind, len(values))
    return text(key) + head + struct.pack(f"<{len(values)}{form}", *values)


def gguf(*pairs: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(pairs)) + b"".join(pairs)


def named(key: str, value: str) -> bytes:
    return text(key) + struct.pack("<I", 8) + text(value)


def counted(key: str, value: int) -> bytes:
    return text(key) + struct.pack("<II", 4, value)


def as_gguf() -> dict[str, bytes]:
    """Padded, as converters pad, with an id that is no token."""
    return {
        "model.gguf": gguf(
            named("tokenizer.ggml.model", "gpt2"),
            named("tokenizer.ggml.pre", "gpt-2"),
            strings("tokenizer.ggml.tokens", [*WRITTEN, END, "[PAD6]"]),
            numbers("tokenizer.ggml.token_type", 5, "i", [1, 1, 1, 1, 1, 3, 5]),
            strings("tokenizer.ggml.merges", MERGES),
            counted("tokenizer.ggml.eos_token_id", 5),
        )
    }


def see(place: Path, content: dict[str, bytes], **others: dict[str, Any]) -> Side:
    extra = {name.replace("__", "."): json.dumps(each).encode() for name, each in others.items()}
    inspected = inspect_side.at(folder.at(builders.write(place, content | extra)))
    assert inspected.refused is None, inspected.refused
    assert inspected.fingerprint is not None
    return inspected


def vocab_hash(side: Side) -> str:
    assert side.fingerprint is not None
    return side.fingerprint.vocab_hash


FORMATS = {
    "vocab.json": as_words(),
    "tiktoken": as_ranks(),
    "tiktoken named tokenizer.model": as_ranks("tokenizer.model"),
    "gguf": as_gguf(),
}


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_ids_in_another_format(tmp_path: Path, form: str) -> None:
    known = see(tmp_path / "json", as_json(), tokenizer_config__json=CONFIG)
    config = {} if form == "gguf" else {"tokenizer_config__json": CONFIG}
    other = see(tmp_path / "other", FORMATS[form], **config)
    assert vocab_hash(known) == vocab_hash(other)
    grade = compare.pair(known, other)
    assert (grade.verdict, grade.reason) == ("Compatible", "Equal")


@pytest.mark.parametrize("form", FORMATS)
def test_what_a_format_lacks_is_unknown(tmp_path: Path, form: str) -> None:
    known = see(tmp_path / "json", as_json())
    other = see(tmp_path / "other", FORMATS[form])
    assert known.fingerprint is not None and other.fingerprint is not None
    assert known.fingerprint.encoder_hash is not None
    assert other.fingerprint.encoder_hash is None
    assert "preTokenizer" in other.fingerprint.unknown


def test_a_swap_in_another_format_is_found(tmp_path: Path) -> None:
    known = see(tmp_path / "json", as_json(), tokenizer_config__json=CONFIG)
    swapped = {
        "x.tiktoken": as_ranks()["qwen.tiktoken"]
        .replace(b"YQ== 0", b"YQ== 1", 1)
        .replace(b"Yg== 1", b"Yg== 0")
    }
    other = see(tmp_path / "other", swapped, tokenizer_config__json=CONFIG)
    grade = compare.pair(known, other)
    assert grade.reason == "IdsDiffer"
    assert [each.id for each in grade.first_differences] == [0, 1]


def test_ranks_without_their_special_tokens_are_a_prefix(tmp_path: Path) -> None:
    known, other = see(tmp_path / "json", as_json()), see(tmp_path / "ranks", as_ranks())
    assert compare.pair(known, other).reason == "TargetExtra"
    assert compare.pair(other, known).reason == "DraftLarger"


def varint(value: int) -> bytes:
    encoded = b""
    while value > 0x7F:
        encoded += bytes([value & 0x7F | 0x80])
        value >>= 7
    return encoded + bytes([value])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def sentencepiece(pieces: list[tuple[str, float, int]], model: int) -> bytes:
    encoded = b"".join(
        field(
            1,
            field(1, piece.encode()) + b"\x15" + struct.pack("<f", score) + b"\x18" + varint(kind),
        )
        for piece, score, kind in pieces
    )
    return encoded + field(2, varint(3 << 3) + varint(model))


PIECES = [("<unk>", 0.0, 2), ("<s>", 0.0, 3), ("</s>", 0.0, 3), ("<0x41>", 0.0, 6)]
WORDS = [("A", -1.5, 1), ("▁", -2.25, 1), ("▁A", -3.1, 1)]


def unigram_json() -> dict[str, bytes]:
    single = [struct.unpack("<f", struct.pack("<f", score))[0] for _, score, _ in WORDS]
    vocabulary = [[piece, score] for piece, score, _ in PIECES]
    vocabulary += [[piece, score] for (piece, _, _), score in zip(WORDS, single, strict=True)]
    return {
        "tokenizer.json": json.dumps(
            {
                "added_tokens": [
                    builders.added(index, piece) for index, (piece, _, _) in enumerate(PIECES[:3])
                ],
                "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
                "model": {
                    "type": "Unigram",
                    "unk_id": 0,
                    "byte_fallback": True,
                    "vocab": vocabulary,
                },
            }
        ).encode()
    }


def test_sentencepiece_means_what_its_conversion_means(tmp_path: Path) -> None:
    spm = see(tmp_path / "spm", {"tokenizer.model": sentencepiece([*PIECES, *WORDS], 1)})
    converted = see(tmp_path / "json", unigram_json())
    assert vocab_hash(spm) == vocab_hash(converted)
    assert spm.tokenizer is not None and converted.tokenizer is not None
    assert spm.tokenizer.encoder["scores"] == converted.tokenizer.encoder["scores"]
    assert spm.specials == {"unk": 0, "bos": 1, "eos": 2, "pad": None}
    assert compare.pair(converted, spm).reason == "Equal"


def test_other_scores_split_text_differently(tmp_path: Path) -> None:
    one = see(tmp_path / "one", {"tokenizer.model": sentencepiece([*PIECES, *WORDS], 1)})
    changed = [*PIECES, ("A", -1.25, 1), *WORDS[1:]]
    two = see(tmp_path / "two", {"tokenizer.model": sentencepiece(changed, 1)})
    assert compare.pair(one, two).reason == "EncoderDiffers"


def test_wordpiece_in_lines_json_and_gguf(tmp_path: Path) -> None:
    words = ["[PAD]", "[UNK]", "hug", "##s", "##"]
    lines = see(tmp_path / "txt", {"vocab.txt": "\n".join(words).encode(), "config.json": b"{}"})
    document = {
        "decoder": {"type": "WordPiece", "prefix": "##"},
        "model": {
            "type": "WordPiece",
            "vocab": {word: index for index, word in enumerate(words)},
            "unk_token": "[UNK]",
        },
    }
    converted = see(tmp_path / "json", {"tokenizer.json": json.dumps(document).encode()})
    phantom = ["[PAD]", "[UNK]", "▁hug", "s", ""]
    packed = see(
        tmp_path / "gguf",
        {
            "x.gguf": gguf(
                named("tokenizer.ggml.model", "bert"),
                strings("tokenizer.ggml.tokens", phantom),
                numbers("tokenizer.ggml.token_type", 5, "i", [3, 3, 1, 1, 1]),
            )
        },
    )
    assert len({vocab_hash(each) for each in (lines, converted, packed)}) == 1


def tekken(specials: list[str] | None, words: list[bytes]) -> dict[str, bytes]:
    document: dict[str, Any] = {
        "config": {
            "pattern": "x",
            "default_vocab_size": 24 + len(words),
            "default_num_special_tokens": 24,
        },
        "vocab": [
            {"rank": rank, "token_bytes": base64.b64encode(word).decode()}
            for rank, word in enumerate([*words, b"beyond"])
        ],
    }
    if specials is not None:
        document["special_tokens"] = [
            {"rank": rank, "token_str": word, "is_control": True}
            for rank, word in enumerate(specials)
        ]
    return {"tekken.json": json.dumps(document).encode(), "config.json": b"{}"}


def test_tekken_counts_behind_its_special_tokens(tmp_path: Path) -> None:
    tokenizer = see(tmp_path / "tekken", tekken(None, BYTES)).tokenizer
    assert tokenizer is not None
    assert tokenizer.contents[:3] == [b"<unk>", b"<s>", b"</s>"]
    assert tokenizer.contents[20] == b"<SPECIAL_20>"
    assert list(tokenizer.contents[24:]) == BYTES


def test_tekken_with_an_unnamed_token_that_got_a_name(tmp_path: Path) -> None:
    names = ["<unk>", "<s>", "</s>"] + [f"[C{index}]" for index in range(3, 20)]
    one = see(tmp_path / "one", tekken(names, BYTES))
    two = see(tmp_path / "two", tekken([*names, "[THINK]"], BYTES))
    assert compare.pair(one, two).reason == "ReservedRenamed"


@pytest.mark.parametrize("name", ["tokenizer.model", "tokenizer.model.v3", "x.model.v7m1"])
def test_a_file_that_is_named_itself_tells_its_format(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    for content, form in (
        (sentencepiece([*PIECES, *WORDS], 1), "sentencepiece"),
        (as_ranks("a.tiktoken")["a.tiktoken"], "tiktoken"),
    ):
        path.write_bytes(content)
        tokenizer = inspect_side.at(folder.at(path)).tokenizer
        assert tokenizer is not None
        assert tokenizer.format == form


def test_a_gguf_that_has_a_piece_twice_is_refused(tmp_path: Path) -> None:
    content = gguf(
        named("tokenizer.ggml.model", "gpt2"),
        strings("tokenizer.ggml.tokens", ["a", "b", "a"]),
    )
    refusal = inspect_side.at(
        folder.at(builders.write(tmp_path / "model", {"x.gguf": content}))
    ).refused
    assert refusal is not None
    assert (refusal.reason, "stands twice" in str(refusal)) == ("Malformed", True)


def test_a_rank_of_endless_bytes_is_refused(tmp_path: Path) -> None:
    line = base64.b64encode(bytes(100_000)) + b" 0\n"
    place = builders.write(tmp_path / "model", {"x.tiktoken": line, "config.json": b"{}"})
    refusal = inspect_side.at(folder.at(place)).refused
    assert refusal is not None
    assert "100000 characters" in str(refusal)


@pytest.mark.parametrize("model_type", ["BPE", None])
def test_a_model_of_a_type_that_the_library_has_or_guesses(
    tmp_path: Path, model_type: str | None
) -> None:
    document = builders.tokenizer()
    document["model"] |= {"type": model_type}
    if model_type is None:
        del document["model"]["type"]
    place = builders.write(tmp_path / "model", builders.files(document))
    assert inspect_side.at(folder.at(place)).refused is None
