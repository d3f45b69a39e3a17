"""Models in GGUF on a hub: read by their headers, in parts and in growing ranges."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from hack.hub.server import LocalHub
from tests.unit.lock import builders
from tests.unit.lock_sources.hub_pairs import MIB, inspect


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


def text(content: str) -> bytes:
    return struct.pack("<Q", len(content.encode())) + content.encode()


def number(key: str, value: int) -> bytes:
    return text(key) + struct.pack("<II", 4, value)


def word(key: str, value: str) -> bytes:
    return text(key) + struct.pack("<I", 8) + text(value)


def words(key: str, values: list[str]) -> bytes:
    return text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))


def numbers(key: str, values: list[int]) -> bytes:
    return text(key) + struct.pack(f"<IIQ{len(values)}i", 9, 5, len(values), *values)


def gguf(pairs: list[bytes], tensors: dict[str, tuple[int, list[int]]], tail: bytes = b"") -> bytes:
    """A GGUF file of version 3; a tensor is (type, dimensions innermost first)."""
    table = b"".join(
        text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, 0)
        for name, (kind, shape) in tensors.items()
    )
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(pairs))
    return head + b"".join(pairs) + table + tail


def tokens(extra: int = 0) -> list[bytes]:
    """The tokenizer of `builders`, as a converter writes it, with `extra` more tokens."""
    pieces = ["Ġ", *builders.WORDS, "<|end|>", "<|reserved_special_token_0|>"]
    kinds = [1] * (len(pieces) - 2) + [3, 3]
    pieces += [f"<more{index}>" for index in range(extra)]
    return [
        word("tokenizer.ggml.model", "gpt2"),
        words("tokenizer.ggml.tokens", pieces),
        numbers("tokenizer.ggml.token_type", kinds + [3] * extra),
        words("tokenizer.ggml.merges", [" ".join(each) for each in builders.MERGES]),
        number("tokenizer.ggml.eos_token_id", 11),
    ]


LLAMA = [
    word("general.architecture", "llama"),
    number("llama.block_count", 2),
    number("llama.embedding_length", 64),
    number("llama.attention.head_count", 4),
    number("llama.attention.head_count_kv", 2),
]
Q8_0 = 8
TENSORS = {"token_embd.weight": (Q8_0, [64, 16]), "blk.0.attn_q.weight": (Q8_0, [64, 64])}


@pytest.mark.parametrize("draft", ["hf://acme/quantised", "hf://acme/quantised/chat-q8.gguf"])
def test_a_repository_whose_only_tokenizer_is_in_gguf(hub: LocalHub, draft: str) -> None:
    hub.commit("acme/chat", builders.files())
    content = gguf([*LLAMA, *tokens()], TENSORS, bytes(24 * MIB))
    hub.commit("acme/quantised", {"chat-q8.gguf": content, "mmproj-f16.gguf": b"GGUF"})
    pair_report = inspect(hub, "hf://acme/chat", draft)
    assert pair_report.draft is not None
    assert pair_report.draft.vocab_hash == pair_report.target.vocab_hash
    assert (pair_report.verdict, pair_report.reason) != ("Unknown", "NoTokenizer")
    assert (pair_report.draft.architecture, pair_report.draft.config_vocab_size) == ("llama", 13)
    assert pair_report.draft.parameters == 64 * 16 + 64 * 64
    assert (pair_report.draft.weight_bytes, pair_report.draft.dtype) == (5_120 // 32 * 34, "Q8_0")
    # Two layers keep a key and a value of two heads of 16 numbers in two bytes.
    assert pair_report.draft.kv_bytes_per_token == 2 * 2 * 2 * 16 * 2
    assert sum(hub.sent_bytes.values()) < 2 * MIB


def test_metadata_of_tens_of_mebibytes_takes_growing_ranges(hub: LocalHub) -> None:
    long = words("tokenizer.notes", ["x" * MIB] * 24)
    content = gguf([long, *LLAMA, *tokens()], TENSORS, bytes(40 * MIB))
    hub.commit("acme/quantised", {"chat.gguf": content})
    target = inspect(hub, "hf://acme/quantised").target
    assert (target.vocab_size, target.parameters) == (13, 5_120)
    asked = [each.range for each in hub.requests if each.path.startswith("/large")]
    assert len(asked) == math.ceil(math.log(24, 4)) + 1
    assert sum(hub.sent_bytes.values()) <= 64 * MIB


def test_gguf_from_a_server_without_ranges(hub: LocalHub) -> None:
    hub.commit("acme/quantised", {"chat.gguf": gguf([*LLAMA, *tokens()], TENSORS, bytes(64 * MIB))})
    hub.ignores_ranges = True
    assert inspect(hub, "hf://acme/quantised").target.vocab_size == 13
    assert sum(hub.sent_bytes.values()) < 32 * MIB


def test_the_parts_of_a_gguf_model_are_summed(hub: LocalHub) -> None:
    first = gguf([*LLAMA, number("split.count", 2), *tokens()], TENSORS)
    second = gguf([number("split.no", 1)], {"output.weight": (0, [64, 16])})
    hub.commit(
        "acme/quantised",
        {"chat-00001-of-00002.gguf": first, "chat-00002-of-00002.gguf": second},
    )
    target = inspect(hub, "hf://acme/quantised").target
    assert (target.vocab_size, target.parameters) == (13, 5_120 + 1_024)


def test_a_gguf_folder_tells_the_same_as_the_hub(hub: LocalHub, tmp_path: Path) -> None:
    content = {"chat.gguf": gguf([*LLAMA, *tokens()], TENSORS, bytes(MIB))}
    hub.commit("acme/quantised", content)
    local = inspect(hub, str(builders.write(tmp_path / "model", content))).target
    remote = inspect(hub, "hf://acme/quantised").target
    for name in ("tokenizer_digest", "parameters", "weight_bytes", "kv_bytes_per_token"):
        assert getattr(local, name) == getattr(remote, name), name


def test_a_projector_of_images_is_no_model_whatever_it_is_called(hub: LocalHub) -> None:
    """It stands first by its name, and only its metadata tell."""
    hub.commit("acme/chat", builders.files())
    projector = gguf([word("general.architecture", "clip")], TENSORS, bytes(MIB))
    model = gguf([*LLAMA, *tokens()], TENSORS, bytes(24 * MIB))
    hub.commit("acme/seeing", {"a-projector.gguf": projector, "chat-q8.gguf": model})
    pair_report = inspect(hub, "hf://acme/chat", "hf://acme/seeing")
    assert pair_report.draft is not None
    assert pair_report.draft.architecture == "llama"
    assert pair_report.draft.tokenizer_digest is not None


def test_a_gguf_file_that_ends_within_its_metadata_is_refused(hub: LocalHub) -> None:
    hub.commit("acme/quantised", {"chat.gguf": gguf([*LLAMA, *tokens()], TENSORS)[:300]})
    pair_report = inspect(hub, "hf://acme/quantised")
    assert (pair_report.verdict, pair_report.reason) == ("Refused", "Malformed")
