"""Files that were made to break a reader are refused, quickly, and read nothing outside."""

from __future__ import annotations

import json
import os
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tandem_runtime.lock.errors import CannotInspectError, RefusedError
from tandem_runtime.lock.files import folder, strict_json
from tandem_runtime.lock.formats import sentencepiece
from tandem_runtime.lock.verdict import inspect as inspect_side
from tests.unit.lock import builders

QUICK_S = 10.0


def refused(path: Path) -> RefusedError:
    """Why the model at `path` is refused; it must be, and within the time allowed."""
    started = time.monotonic()
    try:
        problem = inspect_side.at(folder.at(path)).refused
    except RefusedError as error:
        problem = error
    assert time.monotonic() - started < QUICK_S
    assert problem is not None, "it was accepted"
    return problem


def model(tmp_path: Path, content: bytes, name: str = "tokenizer.json") -> Path:
    files = {"config.json": json.dumps(builders.config()).encode(), name: content}
    return builders.write(tmp_path / "model", files)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "not JSON"),
        (b"[]", "not an object"),
        (b"{", "not JSON"),
        (b'{"model": ' + b"[" * 900_000, "nested too deeply"),
        (b'{"model": {"vocab": {"a": NaN}}}', "NaN"),
        (b'{"model": {"vocab": {"a": 1, "a": 2}}}', "twice"),
        (b'{"model": {"vocab": {"a": 1, "b": 1}, "merges": []}}', "two tokens"),
        (b'{"model": {"vocab": {"a": true}, "merges": []}}', "the id of 'a'"),
        (b'{"model": {"vocab": {"a": 1.0}, "merges": []}}', "the id of 'a'"),
        (b'{"model": {"vocab": {"a": -1}, "merges": []}}', "outside"),
        (b'{"model": {"vocab": {"a": 4294967290}, "merges": []}}', "outside"),
        (b'{"model": {"vocab": {"a": 1' + b"0" * 5_000 + b'}, "merges": []}}', "not JSON"),
        (b'{"model": {"vocab": {"\xff": 1}}}', "UTF-8"),
        (b'{"model": {"vocab": {"\\ud800": 1}, "merges": []}}', "surrogate"),
        (b'{"model": {"vocab": {}, "merges": []}}', "no tokens"),
        (b'{"model": {"vocab": {"a": 1}, "merges": ["a b"]}}', "no token"),
        (b'{"model": {"vocab": {"a": 1}, "merges": ["a a a"]}}', "no pair"),
        (b'{"model": {"vocab": {"a": 1}, "merges": [[["a"], "a"]]}}', "no pair"),
        (b'{"model": {"vocab": [["a", 1e300]], "unk_id": 0}}', "single precision"),
        (b'{"decoder": 3, "model": {"vocab": {"a": 1}, "merges": []}}', "component"),
        (b'{"model": {"vocab": {"' + b"a" * 70_000 + b'": 1}, "merges": []}}', "70000 characters"),
        (b'{"added_tokens": [{"id": 1}], "model": {"vocab": {"a": 1}}}', "no content"),
        (
            b'{"added_tokens": [{"id": 2, "content": "a"}], "model": {"vocab": {"a": 1}}}',
            "has the ids 1 and 2",
        ),
        (
            b'{"model": {"type": "Telepathy", "vocab": {"a": 1}, "merges": []}}',
            "'Telepathy', none of BPE, Unigram, WordPiece, WordLevel",
        ),
        (b'{"model": {"type": 7, "vocab": {"a": 1}}}', "'7', none of"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "Git LFS pointer"),
    ],
)
def test_a_tokenizer_json_that_is_none(tmp_path: Path, content: bytes, expected: str) -> None:
    error = refused(model(tmp_path, content))
    assert error.reason == "Malformed"
    assert expected in str(error)


def test_two_hundred_megabytes_of_nesting(tmp_path: Path) -> None:
    path = model(tmp_path, b"")
    with (path / "tokenizer.json").open("wb") as file:
        for _ in range(200):
            file.write(b"[" * (1 << 20))
    assert refused(path).reason == "TooLarge"


def test_millions_of_added_tokens(tmp_path: Path) -> None:
    rows = b",".join(b'{"id":%d,"content":"%d"}' % (index, index) for index in range(2_000_000))
    content = b'{"model":{"vocab":{"a":1},"merges":[]},"added_tokens":[' + rows + b"]}"
    assert refused(model(tmp_path, content)).reason == "TooLarge"


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text(json.dumps(builders.tokenizer()))
    path = builders.write(tmp_path / "model", {"config.json": b"{}"})
    (path / "tokenizer.json").symlink_to(outside)
    assert refused(path).reason == "SymlinkEscape"


def test_a_link_through_the_parent_is_not_followed(tmp_path: Path) -> None:
    builders.write(tmp_path / "other", builders.files())
    path = builders.write(tmp_path / "model", {"config.json": b"{}"})
    (path / "tokenizer.json").symlink_to("../other/tokenizer.json")
    assert refused(path).reason == "SymlinkEscape"


@pytest.mark.parametrize("to", ["tokenizer.json", "nothing.json"])
def test_a_link_that_leads_nowhere(tmp_path: Path, to: str) -> None:
    path = builders.write(tmp_path / "model", {"config.json": b"{}"})
    (path / "tokenizer.json").symlink_to(to)
    assert refused(path).reason == "SymlinkEscape"


def test_a_link_inside_the_folder_is_read(tmp_path: Path) -> None:
    path = builders.write(tmp_path / "model", builders.files())
    (path / "tokenizer.json").rename(path / "..data.json")
    (path / "tokenizer.json").symlink_to("..data.json")
    assert inspect_side.at(folder.at(path)).tokenizer is not None


def test_a_hub_cache_links_into_its_own_blobs(tmp_path: Path) -> None:
    blobs = builders.write(tmp_path / "models--acme--chat/blobs", builders.files())
    snapshot = tmp_path / "models--acme--chat/snapshots" / ("0a" * 20)
    snapshot.mkdir(parents=True)
    for name in builders.files():
        (snapshot / name).symlink_to(Path("../../blobs") / name)
    assert blobs.is_dir()
    assert inspect_side.at(folder.at(snapshot)).tokenizer is not None


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    path = builders.write(tmp_path / "model", {"config.json": b"{}"})
    os.mkfifo(path / "tokenizer.json")
    assert refused(path).reason == "Malformed"


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    path = builders.write(tmp_path / "model", {"config.json": b"{}"})
    (path / "tokenizer.json").mkdir()
    assert refused(path).reason == "Malformed"


def test_a_folder_of_too_many_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.mkdir()
    for index in range(folder.MAX_ENTRIES + 1):
        (path / f"{index}").touch()
    assert refused(path).reason == "TooLarge"


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), MemoryError()])
def test_what_keeps_from_reading_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> bytes:
        raise error

    path = builders.write(tmp_path / "model", builders.files())
    monkeypatch.setattr(folder.ModelFolder, "read", fail)
    with pytest.raises(CannotInspectError) as raised:
        inspect_side.at(folder.at(path))
    assert raised.value.reason == "LockFailed"
    assert str(path) in str(raised.value)


def gguf(*pairs: bytes, keys: int | None = None) -> bytes:
    count = len(pairs) if keys is None else keys
    return b"GGUF" + struct.pack("<IQQ", 3, 0, count) + b"".join(pairs)


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"GGML" + bytes(60), "begin"),
        (gguf(keys=1 << 60), "keys"),
        (gguf(struct.pack("<Q", 1 << 60) + b"x", keys=1), "string of"),
        (gguf(keys=3), "ends within"),
        (gguf(text(b"a") + struct.pack("<I", 77)), "unknown type"),
        (gguf(text(b"a") + struct.pack("<IIQ", 9, 8, 1 << 50)), "array of"),
        (gguf(text(b"a") + struct.pack("<IIQ", 9, 9, 1)), "array of the type"),
        (gguf(text(b"\xff") + struct.pack("<I", 7) + b"\1"), "UTF-8"),
        (b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "version"),
    ],
)
def test_a_gguf_that_is_none(tmp_path: Path, content: bytes, expected: str) -> None:
    path = builders.write(tmp_path / "model", {"x.gguf": content})
    error = refused(path)
    assert error.reason == "Malformed"
    assert expected in str(error)


@pytest.mark.parametrize(
    "content",
    [
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x0a\x05\x0a\x03\xff\xff\xff",
        b"\x0a" * 40,
        bytes(100_000),
        b"\x10\x01",
        b"\x0b\x0c",
        b"\xff" * 40,
        bytes(100),
    ],
)
def test_a_sentencepiece_model_that_is_none(tmp_path: Path, content: bytes) -> None:
    assert refused(model(tmp_path, content, "tokenizer.model")).reason == "Malformed"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tiktoken", b"IQ== 0\nIg== 0\n"),
        ("a.tiktoken", b"IQ== 0\nIg==\n"),
        ("a.tiktoken", b"IQ== 0\n!!!! 1\n"),
        ("a.tiktoken", b"IQ== 0000000001\n"),
        ("tekken.json", b'{"config": {}, "vocab": []}'),
        ("vocab.txt", b"a\nb\na\n"),
        ("vocab.txt", b"\xff\n"),
    ],
)
def test_other_formats_that_are_none(tmp_path: Path, name: str, content: bytes) -> None:
    assert refused(model(tmp_path, content, name)).reason == "Malformed"


def test_code_is_seen_even_where_the_tokenizer_is_broken(tmp_path: Path) -> None:
    path = model(tmp_path, b"{")
    (path / "modeling_x.py").write_text("raise SystemExit('was run')")
    side = inspect_side.at(folder.at(path))
    assert side.remote_code
    assert side.refused is not None


@pytest.mark.parametrize(
    "decoders",
    [
        [{"type": "Replace", "pattern": {"String": "a"}, "content": "aa"}] * 12,
        [{"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 1_000_000}],
        [{"type": "Replace", "pattern": {"String": "a"}, "content": "b"}] * 17,
    ],
)
def test_a_decoder_that_blows_pieces_up(tmp_path: Path, decoders: list[object]) -> None:
    document = builders.tokenizer(decoder={"type": "Sequence", "decoders": decoders})
    error = refused(model(tmp_path, json.dumps(document).encode()))
    assert (error.reason, "replaces too much" in str(error)) == ("TooLarge", True)


@pytest.mark.parametrize("name", ["tokenizer_config.json", "added_tokens.json"])
def test_too_many_added_tokens_in_other_files(tmp_path: Path, name: str) -> None:
    tokens: dict[str, object] = {f"<{index}>": index for index in range(100_001)}
    if name == "tokenizer_config.json":
        tokens = {
            "added_tokens_decoder": {str(key): {"content": text} for text, key in tokens.items()}
        }
    path = builders.write(
        tmp_path / "model", {"vocab.txt": b"a\n", name: json.dumps(tokens).encode()}
    )
    assert refused(path).reason == "TooLarge"


def test_more_fields_than_a_sentencepiece_model_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sentencepiece, "_MAX_FIELDS", 10)
    assert refused(model(tmp_path, b"\x12\x00" * 11, "tokenizer.model")).reason == "TooLarge"


def test_what_is_hashed_has_an_end(tmp_path: Path) -> None:
    path = builders.write(tmp_path / "model", builders.files())
    for name in ("params.json", "a.tiktoken", "b.tiktoken"):
        with (path / name).open("wb") as file:
            file.truncate(folder.MAX_HASHED_BYTES // 3 + 1)
    error = refused(path)
    assert (error.reason, "would be hashed" in str(error)) == ("TooLarge", True)


PARTS = ["\\\\", "\\ud83d", "\\uDE00", "\\u0041", "u", "d83d", "uDE00", "x", "\\n"]


@given(st.lists(st.sampled_from(PARTS), max_size=8))
def test_half_a_surrogate_pair_is_refused_wherever_it_is_written(parts: list[str]) -> None:
    content = json.dumps({"a": 1})[:-1] + ', "' + "".join(parts) + '": 1}'
    is_text = not any(0xD800 <= ord(each) < 0xE000 for key in json.loads(content) for each in key)
    try:
        strict_json.decode("x", content.encode())
    except RefusedError as error:
        assert not is_text, error
    else:
        assert is_text
