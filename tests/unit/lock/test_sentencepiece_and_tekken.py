"""SentencePiece, WordPiece and Tekken beside the formats that mean the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict import inspect as inspect_side
from tests.unit.lock import builders
from tests.unit.lock.formats import tekken, unigram_json
from tests.unit.lock.same_ids import (
    BYTES,
    PIECES,
    WORDS,
    gguf,
    named,
    numbers,
    see,
    sentencepiece,
    strings,
    vocab_hash,
)


def test_sentencepiece_means_what_its_conversion_means(tmp_path: Path) -> None:
    spm = see(tmp_path / "spm", {"tokenizer.model": sentencepiece([*PIECES, *WORDS], 1)})
    converted = see(tmp_path / "json", unigram_json())
    assert vocab_hash(spm) == vocab_hash(converted)
    assert spm.tokenizer is not None and converted.tokenizer is not None
    assert spm.tokenizer.encoder["scores"] == converted.tokenizer.encoder["scores"]
    assert spm.special_tokens == {"unk": 0, "bos": 1, "eos": 2, "pad": None}
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


def test_tekken_counts_behind_its_special_tokens(tmp_path: Path) -> None:
    tokenizer = see(tmp_path / "tekken", tekken(None, BYTES)).tokenizer
    assert tokenizer is not None
    assert tokenizer.contents[:3] == [b"<unk>", b"<s>", b"</s>"]
    assert tokenizer.contents[20] == b"<SPECIAL_20>"
    assert list(tokenizer.contents[24:]) == BYTES


@pytest.mark.parametrize("written", ["YQ=", "YQ==YQ==", "Y\nQ==", "!!!!"])
def test_tekken_bytes_that_are_no_base64_are_refused(tmp_path: Path, written: str) -> None:
    document = json.loads(tekken(None, BYTES)["tekken.json"])
    document["vocab"][0]["token_bytes"] = written
    content = {"tekken.json": json.dumps(document).encode()}
    refusal = inspect_side.at(folder.at(builders.write(tmp_path / "model", content))).refused
    assert refusal is not None
    assert "no base64" in str(refusal)


def test_tekken_with_an_unnamed_token_that_got_a_name(tmp_path: Path) -> None:
    names = ["<unk>", "<s>", "</s>"] + [f"[C{index}]" for index in range(3, 20)]
    one = see(tmp_path / "one", tekken(names, BYTES))
    two = see(tmp_path / "two", tekken([*names, "[THINK]"], BYTES))
    assert compare.pair(one, two).reason == "ReservedRenamed"
