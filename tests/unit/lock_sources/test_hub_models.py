"""What of a model is read on a hub: headers by ranges, and never the weights behind them."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from hack.hub.server import LocalHub
from tandem_runtime.contract.report import PairReport
from tandem_runtime.contract.request import LockRequest, SourceRequest
from tandem_runtime.lock import pair
from tandem_runtime.lock.pair import SideError
from tests.unit.lock import builders
from tests.unit.lock_sources.hub_pairs import MIB, inspect


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


def test_no_weights_are_downloaded(hub: LocalHub) -> None:
    header = builders.safetensors(w=("F16", [16 * MIB], bytes(32 * MIB)))
    hub.commit("acme/chat", builders.files(model__safetensors=header))
    pair_report = inspect(hub, "hf://acme/chat")
    assert (pair_report.target.parameters, pair_report.target.weight_bytes) == (16 * MIB, 32 * MIB)
    assert sum(hub.sent_bytes.values()) < MIB


def test_a_server_without_ranges_is_left_once_the_header_is_there(hub: LocalHub) -> None:
    header = builders.safetensors(w=("F16", [32 * MIB], bytes(64 * MIB)))
    hub.commit("acme/chat", builders.files(model__safetensors=header))
    hub.ignores_ranges = True
    assert inspect(hub, "hf://acme/chat").target.parameters == 32 * MIB
    assert sum(hub.sent_bytes.values()) < 32 * MIB


def test_a_header_longer_than_the_first_range(hub: LocalHub) -> None:
    many: Any = {f"layer.{index:06}.weight": ("F16", [1], bytes(2)) for index in range(5_000)}
    hub.commit("acme/chat", builders.files(model__safetensors=builders.safetensors(**many)))
    assert inspect(hub, "hf://acme/chat").target.parameters == 5_000


def test_the_shards_of_a_model_are_summed(hub: LocalHub) -> None:
    files = builders.files() | {
        f"model-{part:05}-of-00012.safetensors": builders.safetensors(
            **{f"w{part}": ("BF16", [part], bytes(2 * part))}
        )
        for part in range(1, 13)
    }
    del files["model.safetensors"]
    hub.commit("acme/chat", files)
    target = inspect(hub, "hf://acme/chat").target
    assert (target.parameters, target.weight_bytes, target.dtype) == (78, 156, "BF16")


def test_a_hub_that_knows_the_sums_is_not_asked_for_every_shard(hub: LocalHub) -> None:
    shard = builders.safetensors(w=("BF16", [4], bytes(8)))
    files = builders.files() | {f"model-{part:05}-of-00002.safetensors": shard for part in (1, 2)}
    del files["model.safetensors"]
    commit = hub.commit("acme/chat", files)
    sums = {"parameters": {"BF16": 8}, "total": 8}
    hub.repositories["acme/chat"].sums[commit] = sums
    target = inspect(hub, "hf://acme/chat").target
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
    assert inspect(hub, "hf://acme/chat").target.parameters == 512 + 4


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
    pair_report = inspect(hub, "hf://acme/chat", "hf://acme/head")
    assert (pair_report.verdict, pair_report.reason) == ("Compatible", "DeclaredTarget")
    assert sum(hub.sent_bytes.values()) < MIB
    head["model.safetensors"] = head["model.safetensors"].replace(
        struct.pack("<2q", 3, 6), struct.pack("<2q", 3, 90)
    )
    hub.commit("acme/head", head)
    pair_report = inspect(hub, "hf://acme/chat", "hf://acme/head")
    assert (pair_report.verdict, pair_report.reason) == ("Incompatible", "DeclaredTargetDiffers")
    assert "id 91" in pair_report.message


def test_a_file_that_the_repository_lacks(hub: LocalHub) -> None:
    hub.commit("acme/quantised", {"chat.gguf": b"GGUF"})
    with pytest.raises(SideError, match=r"no file 'other.gguf'") as raised:
        inspect(hub, "hf://acme/quantised/other.gguf")
    assert raised.value.cause.reason == "ModelNotFound"


def test_a_folder_of_a_repository_is_refused_with_a_sentence(hub: LocalHub) -> None:
    hub.commit("acme/many", {**builders.files(), "small/config.json": b"{}"})
    with pytest.raises(SideError, match="'small' is a folder of acme/many") as raised:
        inspect(hub, "hf://acme/many/small")
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
    pair_report = inspect(hub, "hf://acme/chat-fp8", "hf://acme/head")
    assert (pair_report.verdict, pair_report.reason, pair_report.attested) == (
        "Compatible",
        "DeclaredTarget",
        False,
    )
    assert "base_model_name_or_path" in pair_report.message
