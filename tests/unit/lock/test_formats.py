"""One tokenizer in several formats: the same ids, and what a format cannot say is unknown."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.verdict import compare
from tandem_runtime.lock.verdict import inspect as inspect_side
from tests.unit.lock import builders
from tests.unit.lock.formats import (
    CONFIG,
    END,
    WRITTEN,
    as_gguf,
    as_json,
    as_ranks,
    as_words,
)
from tests.unit.lock.same_ids import (
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
    comparison = compare.pair(known, other)
    assert (comparison.verdict, comparison.reason) == ("Compatible", "Equal")


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
    comparison = compare.pair(known, other)
    assert comparison.reason == "IdsDiffer"
    assert [each.id for each in comparison.first_differences] == [0, 1]


def test_ranks_without_their_special_tokens_are_a_prefix(tmp_path: Path) -> None:
    known, other = see(tmp_path / "json", as_json()), see(tmp_path / "ranks", as_ranks())
    assert compare.pair(known, other).reason == "TargetExtra"
    assert compare.pair(other, known).reason == "DraftLarger"


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
    error = inspect_side.at(
        folder.at(builders.write(tmp_path / "model", {"x.gguf": content}))
    ).refused
    assert error is not None
    assert (error.reason, "stands twice" in str(error)) == ("Malformed", True)


def test_a_gguf_that_lists_less_than_it_has_tokens_is_refused(tmp_path: Path) -> None:
    content = gguf(
        named("tokenizer.ggml.model", "gpt2"),
        strings("tokenizer.ggml.tokens", WRITTEN),
        numbers("tokenizer.ggml.token_type", 5, "i", [1, 1, 1]),
    )
    error = inspect_side.at(
        folder.at(builders.write(tmp_path / "model", {"x.gguf": content}))
    ).refused
    assert error is not None
    assert "token_type does not match its 5 tokens" in str(error)


def test_a_rank_of_endless_bytes_is_refused(tmp_path: Path) -> None:
    line = base64.b64encode(bytes(100_000)) + b" 0\n"
    place = builders.write(tmp_path / "model", {"x.tiktoken": line, "config.json": b"{}"})
    error = inspect_side.at(folder.at(place)).refused
    assert error is not None
    assert "100000 characters" in str(error)


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


@pytest.mark.parametrize(
    ("template", "before", "after"),
    [
        (["text"], False, False),
        (["special"], True, True),
        (["special", "text"], True, False),
        (["text", "special"], False, True),
        (["special", "text", "special"], True, True),
        (["text", "text", "special"], False, True),
    ],
)
def test_a_template_says_what_it_puts_before_and_after_a_text(
    tmp_path: Path, template: list[str], before: bool, after: bool
) -> None:
    written = {"text": {"Sequence": {"id": "A"}}, "special": {"SpecialToken": {"id": END}}}
    processor = {"type": "TemplateProcessing", "single": [written[part] for part in template]}
    document = json.dumps(builders.tokenizer(post_processor=processor)).encode()
    tokenizer = see(tmp_path / "model", {"tokenizer.json": document}).tokenizer
    assert tokenizer is not None
    assert tokenizer.special_tokens == {"addBos": before, "addEos": after}
