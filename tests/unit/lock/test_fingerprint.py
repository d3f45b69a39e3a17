"""The fingerprint changes with what ids mean, with nothing else, and as docs/tokfp.md says."""

from __future__ import annotations

import copy
import hashlib
import json
import random
import re
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import difference
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict.inspect import Side
from tests.unit.lock import builders

QC = Path(__file__).resolve().parents[2] / "data" / "tokenizers" / "qc"
SPECIFICATION = Path(__file__).resolve().parents[3] / "docs" / "tokfp.md"
COUNT = 3 * 4096 + 100
Tokens = dict[str, Any]


def side(tokens: Tokens, text: str | None = None) -> Side:
    """The inspection of a folder that holds this tokenizer.json."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "tokenizer.json"
        path.write_text(json.dumps(tokens) if text is None else text)
        inspected = inspect_side.at(folder.at(Path(place)))
    assert inspected.refused is None, inspected.refused
    return inspected


def digest(tokens: Tokens, text: str | None = None) -> str:
    marks = side(tokens, text).fingerprint
    assert marks is not None
    return marks.digest


def large() -> Tokens:
    """A tokenizer of three leaves and a bit."""
    vocabulary = {f"w{index}": index for index in range(COUNT)}
    return builders.tokenizer(
        added_tokens=[], model={"type": "BPE", "vocab": vocabulary, "merges": []}
    )


BASE = large()
BASE_SIDE = side(BASE)
ids = st.integers(0, COUNT - 1)


def changed_ids(tokens: Tokens) -> list[int]:
    """What is found to differ from BASE; the digests must differ too."""
    other = side(tokens)
    one, two = BASE_SIDE.tokenizer, other.tokenizer
    assert one is not None and two is not None
    assert BASE_SIDE.fingerprint is not None and other.fingerprint is not None
    assert other.fingerprint.digest != BASE_SIDE.fingerprint.digest
    assert other.fingerprint.vocab_hash != BASE_SIDE.fingerprint.vocab_hash
    differences = difference.find(one, BASE_SIDE.fingerprint, two, other.fingerprint)
    return sorted(
        (
            *differences.changed,
            *differences.target_extra,
            *differences.draft_extra,
            *differences.renamed,
        )
    )


def with_words(words: dict[str, int]) -> Tokens:
    return {**BASE, "model": {**BASE["model"], "vocab": words}}


@settings(max_examples=25, deadline=None)
@given(st.lists(ids, min_size=2, max_size=2, unique=True))
def test_any_swap_is_located(pair: list[int]) -> None:
    words = dict(BASE["model"]["vocab"])
    one, two = pair
    words[f"w{one}"], words[f"w{two}"] = two, one
    assert changed_ids(with_words(words)) == sorted(pair)


@settings(max_examples=15, deadline=None)
@given(ids, st.text(alphabet="abcĠéü", min_size=1, max_size=5))
def test_any_changed_piece_is_located(token_id: int, text: str) -> None:
    words = dict(BASE["model"]["vocab"])
    del words[f"w{token_id}"]
    words[text] = token_id
    assert changed_ids(with_words(words)) == [token_id]


@settings(max_examples=25, deadline=None)
@given(ids)
def test_any_removed_id_is_located(token_id: int) -> None:
    words = dict(BASE["model"]["vocab"])
    del words[f"w{token_id}"]
    assert changed_ids(with_words(words)) == [token_id]


@settings(max_examples=15, deadline=None)
@given(ids)
def test_any_insertion_moves_all_behind_it(token_id: int) -> None:
    words = {word: index + (index >= token_id) for word, index in BASE["model"]["vocab"].items()}
    words["new"] = token_id
    assert changed_ids(with_words(words)) == list(range(token_id, COUNT + 1))


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_nothing(order: random.Random) -> None:
    def shuffled(value: Any) -> Any:
        if isinstance(value, list):
            return [shuffled(each) for each in value]
        if not isinstance(value, dict):
            return value
        items = list(value.items())
        order.shuffle(items)
        return {key: shuffled(each) for key, each in items}

    tokens = builders.tokenizer()
    assert digest(shuffled(tokens)) == digest(tokens)


def restyled(tokens: Tokens, style: str) -> Tokens:
    document = copy.deepcopy(tokens)
    if style == "merges as text":
        document["model"]["merges"] = [" ".join(merge) for merge in document["model"]["merges"]]
    elif style == "truncation":
        document["truncation"] = {"max_length": 5, "strategy": "LongestFirst", "stride": 0}
    elif style == "padding":
        document["padding"] = {"strategy": "BatchLongest", "pad_id": 0, "pad_token": "a"}
    elif style == "nulls":
        document["model"] |= {"dropout": None, "unk_token": None, "fuse_unk": False}
    elif style == "defaults":
        document["pre_tokenizer"]["use_regex"] = True
        document["model"] |= {"ignore_merges": False, "byte_fallback": False}
    elif style == "offsets":
        document["pre_tokenizer"]["trim_offsets"] = False
    elif style == "sequence of one":
        document["pre_tokenizer"] = {
            "type": "Sequence",
            "pretokenizers": [document["pre_tokenizer"]],
        }
    elif style == "order of added tokens":
        document["added_tokens"].reverse()
    return document


STYLES = [
    "merges as text",
    "truncation",
    "padding",
    "nulls",
    "defaults",
    "offsets",
    "sequence of one",
    "order of added tokens",
]


@pytest.mark.parametrize("style", STYLES)
def test_style_changes_nothing(style: str) -> None:
    tokens = builders.tokenizer()
    document = restyled(tokens, style)
    assert document != tokens, "the style changed nothing in the file either"
    assert digest(document) == digest(tokens)


def test_white_space_and_escapes_change_nothing() -> None:
    tokens = builders.tokenizer()
    spaced = json.dumps(tokens, indent=3, ensure_ascii=False)
    assert digest({}, spaced) == digest(tokens)


def older(tokens: Tokens) -> Tokens:
    """As a release before the present notation of merges, and its newer defaults, wrote it."""
    document = restyled(tokens, "merges as text")
    for key in ("ignore_merges", "byte_fallback"):
        document["model"].pop(key, None)
    return document


def test_saving_by_the_library_changes_nothing() -> None:
    document = older(json.loads((QC / "tokenizer.json").read_text()))
    saved = tokenizers.Tokenizer.from_str(json.dumps(document)).to_str(pretty=True)
    assert json.loads(saved) != document, "the library wrote the same document"
    assert digest({}, saved) == digest(document)


@pytest.mark.parametrize(
    "change",
    [
        {"normalizer": {"type": "NFC"}},
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": True}},
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False}},
        {"added_tokens": [builders.added(11, "<|end|>"), builders.added(12, "<other>")]},
        {
            "added_tokens": [
                builders.added(11, "<|end|>", special=False),
                builders.added(12, "<|reserved_special_token_0|>"),
            ]
        },
        {"post_processor": {"type": "RobertaProcessing"}},
    ],
)
def test_what_changes_tokens_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest(builders.tokenizer(**change)) != digest(builders.tokenizer())


def test_the_order_of_merges_changes_the_digest() -> None:
    document = builders.tokenizer()
    document["model"]["merges"].reverse()
    assert digest(document) != digest(builders.tokenizer())


def test_a_byte_and_its_letter_are_two_meanings() -> None:
    def fallback(first: str, second: str) -> Tokens:
        return builders.tokenizer(
            added_tokens=[],
            pre_tokenizer=None,
            decoder={"type": "ByteFallback"},
            model={
                "type": "BPE",
                "byte_fallback": True,
                "vocab": {first: 0, second: 1},
                "merges": [],
            },
        )

    assert digest(fallback("A", "<0x41>")) != digest(fallback("<0x41>", "A"))


def contents(tokens: Tokens) -> list[bytes]:
    tokenizer = side(tokens).tokenizer
    assert tokenizer is not None
    return list(tokenizer.contents)


def test_added_tokens_are_decoded_as_the_decoder_does() -> None:
    words = ["õ", "<｜begin▁of▁sentence｜>", "  "]
    added = [builders.added(13 + index, word) for index, word in enumerate(words)]
    byte_level = builders.tokenizer()
    byte_level["added_tokens"] += added
    assert contents(byte_level)[-3:] == [b"\xf5", words[1].encode(), b"  "]
    pieces = builders.tokenizer(
        pre_tokenizer=None,
        decoder={"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
    )
    pieces["added_tokens"].append(builders.added(13, "▁▁"))
    assert contents(pieces)[-1] == b"  "


def test_the_specification_s_vectors() -> None:
    """The vectors of docs/tokfp.md, one JSON object a fenced block, are what is computed."""
    blocks = re.findall(r"```json vector\n(.*?)```", SPECIFICATION.read_text(), re.DOTALL)
    assert len(blocks) >= 3
    for block in blocks:
        vector = json.loads(block)
        with tempfile.TemporaryDirectory() as place:
            for name, files_of_vector in vector["files"].items():
                text = (
                    files_of_vector
                    if isinstance(files_of_vector, str)
                    else json.dumps(files_of_vector)
                )
                (Path(place) / name).write_text(text)
            marks = inspect_side.at(folder.at(Path(place))).fingerprint
        assert marks is not None
        assert {
            "vocabHash": marks.vocab_hash,
            "specialsHash": marks.specials_hash,
            "encoderHash": marks.encoder_hash,
            "tokenizerDigest": marks.digest,
        } == vector["expected"]


def test_the_specification_by_hand() -> None:
    """A second implementation of the vocabulary part, from the written text alone."""
    records = b"".join(
        struct.pack(">IBI", index, 0, len(text)) + text
        for index, text in enumerate([b" ", *(word.encode() for word in builders.WORDS[:8])])
    )
    records += struct.pack(">IBI", 9, 0, 2) + b" a" + struct.pack(">IBI", 10, 0, 3) + b" ab"
    for index, text in ((11, b"<|end|>"), (12, b"<|reserved_special_token_0|>")):
        records += struct.pack(">IBI", index, 0, len(text)) + text
    leaf = struct.pack(">I", 0) + hashlib.sha256(records).digest()
    marks = side(builders.tokenizer()).fingerprint
    assert marks is not None
    assert marks.vocab_hash == "sha256:" + hashlib.sha256(b"tokfp/v1 vocab\n" + leaf).hexdigest()
