"""What a repository declares and its files do not hold, in a folder as in a listing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.lock.files import folder
from tandem_runtime.lock.model import missing_weights
from tandem_runtime.lock.verdict import inspect as inspect_side
from tandem_runtime.lock.verdict import side_report
from tandem_runtime.lock.verdict.inspect import Side
from tests.unit.lock import builders

LAYERS = tuple(f"model.layers.{layer}.mlp.up_proj.weight" for layer in range(2))
WHOLE = ("model.embed_tokens.weight", *LAYERS, "model.norm.weight", "lm_head.weight")
INDEX = "model.safetensors.index__json"
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)


def shard(*names: str) -> bytes:
    return builders.safetensors(**{name: ("F16", [1], bytes(2)) for name in names})


def index(**files: tuple[str, ...]) -> bytes:
    table = {name: f"{file}.safetensors" for file, names in files.items() for name in names}
    return json.dumps({"weight_map": table}).encode()


def at(place: Path, **files: Any) -> Side:
    kept = builders.files(**files)
    for name in [name for name, content in kept.items() if content == b""]:
        del kept[name]
    return inspect_side.at(folder.at(builders.write(place / "model", kept)))


def refusal(side: Side) -> tuple[str, str] | None:
    return None if side.refused is None else (side.refused.reason, str(side.refused))


def test_shards_that_hold_what_their_index_lists(tmp_path: Path) -> None:
    side = at(
        tmp_path,
        model__safetensors=b"",
        a__safetensors=shard(*WHOLE[:2]),
        b__safetensors=shard(*WHOLE[2:]),
        **{INDEX: index(a=WHOLE[:2], b=WHOLE[2:])},
    )
    assert side.refused is None
    assert set(side.tensor_names) == set(WHOLE)


def test_a_shard_that_is_not_there(tmp_path: Path) -> None:
    side = at(
        tmp_path,
        model__safetensors=b"",
        a__safetensors=shard(*WHOLE[:2]),
        **{INDEX: index(a=WHOLE[:2], b=WHOLE[2:])},
    )
    error = refusal(side)
    assert error is not None
    assert error[0] == "WeightsMissing"
    assert "b.safetensors is not there" in error[1]


def test_a_tensor_that_no_shard_holds(tmp_path: Path) -> None:
    shards = shard(*WHOLE[:-1])
    side = at(tmp_path, model__safetensors=b"", a__safetensors=shards, **{INDEX: index(a=WHOLE)})
    error = refusal(side)
    assert error is not None
    assert error[0] == "WeightsMissing"
    assert "lm_head.weight" in error[1]


def test_an_index_beside_no_weights_is_a_copy_without_them(tmp_path: Path) -> None:
    side = at(tmp_path, model__safetensors=b"", **{INDEX: index(a=WHOLE)})
    assert side.refused is None
    assert side_report.report(side, "here", None, False).facts.weights == "none"


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"weight_map": {"a": 1}}', b"no JSON"])
def test_an_index_that_is_none(tmp_path: Path, content: bytes) -> None:
    error = refusal(at(tmp_path, **{INDEX: content}))
    assert error is not None
    assert error[0] == "Malformed"


OUTPUTS: dict[str, tuple[bool | None, tuple[str, ...], bool]] = {
    "its own": (False, WHOLE, True),
    "shared with the embeddings": (True, WHOLE[:-1], True),
    "shared, and stored all the same": (True, WHOLE, True),
    "nothing said": (None, WHOLE[:-1], True),
    "neither": (False, WHOLE[:-1], False),
    "quantised": (False, (*WHOLE[:-1], "lm_head.qweight"), True),
    "not every layer is there": (False, WHOLE[:2], True),
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_whole_model_has_a_way_from_states_to_tokens(tmp_path: Path, name: str) -> None:
    tied, names, right = OUTPUTS[name]
    config = builders.config(tie_word_embeddings=tied)
    side = at(tmp_path, config__json=config, model__safetensors=shard(*names))
    assert (side.refused is None) is right


def test_a_head_needs_no_output_of_its_own(tmp_path: Path) -> None:
    config = builders.config(
        architectures=["LlamaForCausalLMEagle3"], num_hidden_layers=1, tie_word_embeddings=False
    )
    tensors = shard("fc.weight", "layers.0.hidden_norm.weight", "norm.weight")
    assert at(tmp_path, config__json=config, model__safetensors=tensors).refused is None


FORMATS = {
    ("config.json", "model.safetensors"): "safetensors",
    ("a-00001-of-00002.gguf", "model-00001-of-00002.safetensors"): "safetensors",
    ("chat-q4.gguf", "mmproj-f16.gguf"): "gguf",
    ("mmproj-f16.gguf",): "none",
    ("pytorch_model.bin", "training_args.bin"): "pickle",
    ("training_args.bin", "config.json"): "none",
    ("adapter_model.safetensors",): "none",
}


@pytest.mark.parametrize("names", FORMATS)
def test_the_format_is_that_which_a_loader_takes(names: tuple[str, ...]) -> None:
    assert missing_weights.format_of(names) == FORMATS[names]


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "config.json", "model.safetensors", "generation_config.json"]
)
def test_a_pointer_in_a_file_s_place_is_called_one(tmp_path: Path, name: str) -> None:
    error = refusal(at(tmp_path, **{name.replace(".", "__"): POINTER}))
    assert error is not None
    assert error[0] == "Malformed"
    assert f"{name}: is a Git LFS pointer" in error[1]
    assert "git lfs pull" in error[1]


@pytest.mark.parametrize("name", ["tokenizer.model", "chat.gguf", "pytorch_model.bin"])
def test_a_pointer_for_a_file_of_any_format_is_called_one(tmp_path: Path, name: str) -> None:
    content = {"config.json": json.dumps(builders.config()).encode(), name: POINTER}
    side = inspect_side.at(folder.at(builders.write(tmp_path / "model", content)))
    assert side.refused is not None
    assert "Git LFS pointer" in str(side.refused)


def part(number: int, count: int) -> str:
    return f"model-{number:05}-of-{count:05}__safetensors"


PARTS: dict[str, tuple[dict[str, bytes], bool]] = {
    "all of three": ({part(number, 3): shard("a") for number in (1, 2, 3)}, True),
    "the first alone": ({part(1, 3): shard("a")}, False),
    "without the second": ({part(1, 3): shard("a"), part(3, 3): shard("b")}, False),
    "left over beside the whole": (
        {part(1, 3): shard("a"), "model__safetensors": shard(*WHOLE)},
        True,
    ),
    "left over beside another upload": (
        {part(1, 3): shard("a"), part(1, 2): shard("a"), part(2, 2): shard("b")},
        True,
    ),
}


@pytest.mark.parametrize("name", PARTS)
def test_names_of_parts_tell_how_many_there_are(tmp_path: Path, name: str) -> None:
    parts, right = PARTS[name]
    found = refusal(at(tmp_path, **{"model__safetensors": b"", **parts}))
    assert (found is None) is right
    if found is not None:
        assert found[0] == "WeightsMissing"
        assert "model-00002-of-00003.safetensors" in found[1]


CUT: dict[str, tuple[bytes, str]] = {
    "nothing": (b"\n", "holds 1 bytes"),
    "without its end": (shard("a", "b")[:-1], "ends after 3 of the 4 bytes"),
    "without any of its data": (shard("a", "b")[:-4], "ends after 0 of the 4 bytes"),
}


@pytest.mark.parametrize("name", CUT)
def test_a_file_of_weights_that_broke_off(tmp_path: Path, name: str) -> None:
    content, message = CUT[name]
    found = refusal(at(tmp_path, model__safetensors=content))
    assert found is not None
    assert found[0] == "Malformed"
    assert message in found[1]


def whole(rows: int = 14, layers: int = 2, width: int = 2) -> bytes:
    shapes: dict[str, tuple[str, list[int], bytes]] = {
        "model.embed_tokens.weight": ("F16", [rows, width], bytes(2 * rows * width))
    }
    for layer in range(layers):
        shapes[f"model.layers.{layer}.mlp.up_proj.weight"] = ("F16", [1], bytes(2))
    return builders.safetensors(**shapes)


OF_TWO: Any = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 2,
    "num_hidden_layers": 2,
    "vocab_size": 14,
}


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        (whole(), None),
        (whole(rows=15), "embeddings of 15 rows, and vocab_size of config.json is 14"),
        (whole(rows=13), "embeddings of 13 rows"),
        (whole(layers=1), "hold 1 layers, and num_hidden_layers of config.json is 2"),
        (whole(layers=3), None),
        (whole(rows=15, width=4), None),
    ],
)
def test_a_whole_model_has_the_rows_and_layers_that_it_declares(
    tmp_path: Path, weights: bytes, expected: str | None
) -> None:
    refused = refusal(at(tmp_path, config__json=OF_TWO, model__safetensors=weights))
    if expected is None:
        assert refused is None
    else:
        assert refused is not None
        assert refused[0] == "WeightsMissing"
        assert expected in refused[1]
