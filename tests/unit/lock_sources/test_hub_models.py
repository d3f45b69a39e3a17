"""What of a model is read on a hub: headers by ranges, and never the weights behind them."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hack.hub.server import LocalHub
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import ANY_METHOD, LockRequest, SourceRequest
from tandem_runtime.lock import pair
from tandem_runtime.lock.pair import SideError
from tandem_runtime.lock.sources.hub import retry
from tests.unit.lock import builders

MIB = 1 << 20


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


def look(hub: LocalHub, target: str, draft: str | None = None) -> PairReport:
    request = LockRequest(
        "NGram" if draft is None else ANY_METHOD,
        "SameVocabulary",
        SourceRequest(target),
        None if draft is None else SourceRequest(draft),
    )
    return pair.report(request, {"HF_ENDPOINT": hub.endpoint})


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


def test_no_weights_are_downloaded(hub: LocalHub) -> None:
    header = builders.safetensors(w=("F16", [16 * MIB], bytes(32 * MIB)))
    hub.commit("acme/chat", builders.files(model__safetensors=header))
    pair_report = look(hub, "hf://acme/chat")
    assert (pair_report.target.parameters, pair_report.target.weight_bytes) == (16 * MIB, 32 * MIB)
    assert sum(hub.sent_bytes.values()) < MIB


def test_a_server_without_ranges_is_left_once_the_header_is_there(hub: LocalHub) -> None:
    header = builders.safetensors(w=("F16", [32 * MIB], bytes(64 * MIB)))
    hub.commit("acme/chat", builders.files(model__safetensors=header))
    hub.ignores_ranges = True
    assert look(hub, "hf://acme/chat").target.parameters == 32 * MIB
    assert sum(hub.sent_bytes.values()) < 32 * MIB


def test_a_header_longer_than_the_first_range(hub: LocalHub) -> None:
    many: Any = {f"layer.{index:06}.weight": ("F16", [1], bytes(2)) for index in range(5_000)}
    hub.commit("acme/chat", builders.files(model__safetensors=builders.safetensors(**many)))
    assert look(hub, "hf://acme/chat").target.parameters == 5_000


def test_the_shards_of_a_model_are_summed(hub: LocalHub) -> None:
    files = builders.files() | {
        f"model-{part:05}-of-00012.safetensors": builders.safetensors(
            **{f"w{part}": ("BF16", [part], bytes(2 * part))}
        )
        for part in range(1, 13)
    }
    del files["model.safetensors"]
    hub.commit("acme/chat", files)
    target = look(hub, "hf://acme/chat").target
    assert (target.parameters, target.weight_bytes, target.dtype) == (78, 156, "BF16")


def test_a_hub_that_knows_the_sums_is_not_asked_for_every_shard(hub: LocalHub) -> None:
    shard = builders.safetensors(w=("BF16", [4], bytes(8)))
    files = builders.files() | {f"model-{part:05}-of-00002.safetensors": shard for part in (1, 2)}
    del files["model.safetensors"]
    commit = hub.commit("acme/chat", files)
    sums = {"parameters": {"BF16": 8}, "total": 8}
    hub.repositories["acme/chat"].sums[commit] = sums
    target = look(hub, "hf://acme/chat").target
    assert (target.parameters, target.weight_bytes, target.dtype) == (8, 2 * len(shard), "BF16")
    assert not hub.sent_bytes


def test_sums_of_packed_words_are_not_believed(hub: LocalHub) -> None:
    packed = {
        "a.qweight": ("I32", [8, 8], bytes(256)),
        "a.qzeros": ("I32", [1, 8], bytes(32)),
        "a.scales": ("F16", [1, 64], bytes(128)),
    }
    files = builders.files() | {
        "model-00001-of-00002.safetensors": builders.safetensors(**packed),
        "model-00002-of-00002.safetensors": builders.safetensors(b=("F16", [4], bytes(8))),
    }
    del files["model.safetensors"]
    commit = hub.commit("acme/chat", files)
    sums = {"parameters": {"I32": 72, "F16": 68}, "total": 140}
    hub.repositories["acme/chat"].sums[commit] = sums
    assert look(hub, "hf://acme/chat").target.parameters == 512 + 4


def test_the_tables_of_a_trimmed_head_are_read_behind_its_weights(hub: LocalHub) -> None:
    hub.commit("acme/chat", builders.files())
    config = builders.config(
        architectures=["LlamaForCausalLMEagle3"], draft_vocab_size=2, base_model="acme/chat"
    )
    head = {
        "config.json": json.dumps(config).encode(),
        "model.safetensors": builders.safetensors(
            fc=("F16", [8 * MIB], bytes(16 * MIB)),
            d2t=("I64", [2], struct.pack("<2q", 3, 6)),
            t2d=("BOOL", [16], bytes(index in (3, 7) for index in range(16))),
        ),
    }
    hub.commit("acme/head", head)
    pair_report = look(hub, "hf://acme/chat", "hf://acme/head")
    assert (pair_report.verdict, pair_report.reason) == ("Compatible", "DeclaredTarget")
    assert sum(hub.sent_bytes.values()) < MIB
    head["model.safetensors"] = head["model.safetensors"].replace(
        struct.pack("<2q", 3, 6), struct.pack("<2q", 3, 90)
    )
    hub.commit("acme/head", head)
    pair_report = look(hub, "hf://acme/chat", "hf://acme/head")
    assert (pair_report.verdict, pair_report.reason) == ("Incompatible", "DeclaredTargetDiffers")
    assert "id 91" in pair_report.message


@pytest.mark.parametrize("draft", ["hf://acme/quantised", "hf://acme/quantised/chat-q8.gguf"])
def test_a_repository_whose_only_tokenizer_is_in_gguf(hub: LocalHub, draft: str) -> None:
    hub.commit("acme/chat", builders.files())
    content = gguf([*LLAMA, *tokens()], TENSORS, bytes(24 * MIB))
    hub.commit("acme/quantised", {"chat-q8.gguf": content, "mmproj-f16.gguf": b"GGUF"})
    pair_report = look(hub, "hf://acme/chat", draft)
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
    target = look(hub, "hf://acme/quantised").target
    assert (target.vocab_size, target.parameters) == (13, 5_120)
    asked = [each.range for each in hub.requests if each.path.startswith("/large")]
    assert len(asked) == math.ceil(math.log(24, 4)) + 1
    assert sum(hub.sent_bytes.values()) <= 64 * MIB


def test_gguf_from_a_server_without_ranges(hub: LocalHub) -> None:
    hub.commit("acme/quantised", {"chat.gguf": gguf([*LLAMA, *tokens()], TENSORS, bytes(64 * MIB))})
    hub.ignores_ranges = True
    assert look(hub, "hf://acme/quantised").target.vocab_size == 13
    assert sum(hub.sent_bytes.values()) < 32 * MIB


def test_the_parts_of_a_gguf_model_are_summed(hub: LocalHub) -> None:
    first = gguf([*LLAMA, number("split.count", 2), *tokens()], TENSORS)
    second = gguf([number("split.no", 1)], {"output.weight": (0, [64, 16])})
    hub.commit(
        "acme/quantised",
        {"chat-00001-of-00002.gguf": first, "chat-00002-of-00002.gguf": second},
    )
    target = look(hub, "hf://acme/quantised").target
    assert (target.vocab_size, target.parameters) == (13, 5_120 + 1_024)


def test_a_gguf_folder_tells_the_same_as_the_hub(hub: LocalHub, tmp_path: Path) -> None:
    content = {"chat.gguf": gguf([*LLAMA, *tokens()], TENSORS, bytes(MIB))}
    hub.commit("acme/quantised", content)
    local = look(hub, str(builders.write(tmp_path / "model", content))).target
    remote = look(hub, "hf://acme/quantised").target
    for name in ("tokenizer_digest", "parameters", "weight_bytes", "kv_bytes_per_token"):
        assert getattr(local, name) == getattr(remote, name), name


def test_a_projector_of_images_is_no_model_whatever_it_is_called(hub: LocalHub) -> None:
    """It stands first by its name, and only its metadata tell."""
    hub.commit("acme/chat", builders.files())
    projector = gguf([word("general.architecture", "clip")], TENSORS, bytes(MIB))
    model = gguf([*LLAMA, *tokens()], TENSORS, bytes(24 * MIB))
    hub.commit("acme/seeing", {"a-projector.gguf": projector, "chat-q8.gguf": model})
    pair_report = look(hub, "hf://acme/chat", "hf://acme/seeing")
    assert pair_report.draft is not None
    assert pair_report.draft.architecture == "llama"
    assert pair_report.draft.tokenizer_digest is not None


def test_a_gguf_file_that_ends_within_its_metadata_is_refused(hub: LocalHub) -> None:
    hub.commit("acme/quantised", {"chat.gguf": gguf([*LLAMA, *tokens()], TENSORS)[:300]})
    pair_report = look(hub, "hf://acme/quantised")
    assert (pair_report.verdict, pair_report.reason) == ("Refused", "Malformed")


def test_a_file_that_the_repository_lacks(hub: LocalHub) -> None:
    hub.commit("acme/quantised", {"chat.gguf": b"GGUF"})
    with pytest.raises(SideError, match=r"no file 'other.gguf'") as raised:
        look(hub, "hf://acme/quantised/other.gguf")
    assert raised.value.cause.reason == "ModelNotFound"


def test_a_folder_of_a_repository_is_refused_with_a_sentence(hub: LocalHub) -> None:
    hub.commit("acme/many", {**builders.files(), "small/config.json": b"{}"})
    with pytest.raises(SideError, match="'small' is a folder of acme/many") as raised:
        look(hub, "hf://acme/many/small")
    assert raised.value.cause.reason == "ModelNotFound"


def indexed(files: dict[str, list[str]]) -> bytes:
    table = {name: file for file, names in files.items() for name in names}
    return json.dumps({"metadata": {"total_size": 0}, "weight_map": table}).encode()


BODY = [f"model.layers.{layer}.mlp.up_proj.weight" for layer in range(2)]
SHARDS = {"model-1.safetensors": BODY, "model-2.safetensors": ["model.layers.2.eh_proj.weight"]}


def self_drafting(hub: LocalHub, shards: dict[str, list[str]], *present: str) -> PairReport:
    config = builders.config(model_type="glm4_moe", num_nextn_predict_layers=1)
    files = builders.files(config__json=config)
    del files["model.safetensors"]
    files["model.safetensors.index.json"] = indexed(shards)
    for name in present:
        tensors = {each: ("F16", [1], bytes(2)) for each in shards.get(name, ["w"])}
        files[name] = builders.safetensors(**tensors)
    hub.commit("acme/chat", files)
    request = LockRequest("MTP", "SameVocabulary", SourceRequest("hf://acme/chat"))
    return pair.report(request, {"HF_ENDPOINT": hub.endpoint})


def test_the_index_alone_shows_whether_a_hub_s_model_keeps_its_mtp_layers(hub: LocalHub) -> None:
    whole = self_drafting(hub, SHARDS, *SHARDS)
    assert (whole.verdict, whole.target.facts.mtp_layers_in_files) == ("Compatible", 1)
    body = {"model-1.safetensors": BODY}
    stripped = self_drafting(hub, body, "model-1.safetensors")
    assert (stripped.verdict, stripped.reason) == ("Incompatible", "WeightsMissing")


def test_a_shard_that_the_repository_lacks_is_told_by_name(hub: LocalHub) -> None:
    pair_report = self_drafting(hub, SHARDS, "model-1.safetensors")
    assert (pair_report.verdict, pair_report.reason) == ("Refused", "WeightsMissing")
    assert "model-2.safetensors is not there" in pair_report.message


def test_the_model_card_of_a_copy_names_what_it_was_made_from(hub: LocalHub) -> None:
    card = b"---\nbase_model: acme/chat\nbase_model_relation: quantized\n---\n# Chat in FP8\n"
    hub.commit("acme/chat-fp8", {**builders.files(), "README.md": card})
    config = {
        "architectures": ["LlamaForCausalLMEagle3"],
        "hidden_size": 8,
        "vocab_size": 16,
        "base_model_name_or_path": "acme/chat",
    }
    hub.commit("acme/head", {"config.json": json.dumps(config).encode()})
    pair_report = look(hub, "hf://acme/chat-fp8", "hf://acme/head")
    assert (pair_report.verdict, pair_report.reason, pair_report.attested) == (
        "Compatible",
        "DeclaredTarget",
        False,
    )
    assert "base_model_name_or_path" in pair_report.message


def test_a_renamed_repository_is_followed(hub: LocalHub) -> None:
    commit = hub.commit("acme/chat", builders.files())
    hub.rename("acme/chat", "acme/talk")
    assert look(hub, "hf://acme/chat").target.revision == commit


@pytest.mark.parametrize("after", [0, 1, 3])
@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        (401, "AccessDenied", "set HF_TOKEN in the environment"),
        (403, "AccessDenied", "403"),
        (404, "ModelNotFound", "does not exist"),
        (429, "LockFailed", "in 60 s"),
        (503, "LockFailed", "503"),
    ],
)
def test_what_a_hub_answers_at_any_request_is_told(
    hub: LocalHub,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    reason: str,
    expected: str,
    after: int,
) -> None:
    monkeypatch.setattr(retry, "WAITS_S", (0.0, 0.0))
    hub.commit("acme/chat", builders.files())
    hub.fail(status, 100, {"Retry-After": "60"} if status == 429 else None, after=after)
    with pytest.raises(SideError) as raised:
        look(hub, "hf://acme/chat")
    assert raised.value.cause.reason == reason
    assert expected in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_waited_for(
    hub: LocalHub, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(retry, "WAITS_S", (0.0, 0.0))
    hub.commit("acme/chat", builders.files())
    hub.fail(status, 2, {"Retry-After": "0"}, after=1)
    assert look(hub, "hf://acme/chat").verdict == "Compatible"


def test_a_page_for_people_is_no_hub(hub: LocalHub) -> None:
    hub.commit("acme/chat", builders.files())
    hub.fail(200, 100)
    with pytest.raises(SideError, match="not as a hub") as raised:
        look(hub, "hf://acme/chat")
    assert raised.value.cause.reason == "LockFailed"
