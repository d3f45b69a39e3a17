"""Parameters of published models from nothing but the names and shapes in their headers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tandem_runtime.lock.errors import RefusedError
from tandem_runtime.lock.files import folder
from tandem_runtime.lock.model import weights
from tandem_runtime.lock.model.weights import BITS_OF_DTYPE, Weights
from tests.unit.lock import builders

Shapes = dict[str, tuple[str, list[int]]]


def joined(shapes: Shapes) -> Weights:
    """What a header of these tensors says."""
    header: dict[str, Any] = {}
    position = 0
    for name, (dtype, shape) in shapes.items():
        end = position + math.prod(shape) * BITS_OF_DTYPE[dtype] // 8
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, end]}
        position = end
    weights_of_file = weights.joined([("model.safetensors", header)])
    assert weights_of_file is not None
    return weights_of_file


def attention(at: str, hidden: int, heads: int, kv_heads: int, head: int) -> Shapes:
    return {
        f"{at}.q_proj.weight": ("BF16", [heads * head, hidden]),
        f"{at}.k_proj.weight": ("BF16", [kv_heads * head, hidden]),
        f"{at}.v_proj.weight": ("BF16", [kv_heads * head, hidden]),
        f"{at}.o_proj.weight": ("BF16", [hidden, heads * head]),
    }


def around(vocabulary: int, hidden: int) -> Shapes:
    return {
        "model.embed_tokens.weight": ("BF16", [vocabulary, hidden]),
        "model.norm.weight": ("BF16", [hidden]),
        "lm_head.weight": ("BF16", [vocabulary, hidden]),
    }


def norms(at: str, hidden: int) -> Shapes:
    return {
        f"{at}.input_layernorm.weight": ("BF16", [hidden]),
        f"{at}.post_attention_layernorm.weight": ("BF16", [hidden]),
    }


def gated(at: str, hidden: int, inner: int) -> Shapes:
    return {
        f"{at}.gate_proj.weight": ("BF16", [inner, hidden]),
        f"{at}.up_proj.weight": ("BF16", [inner, hidden]),
        f"{at}.down_proj.weight": ("BF16", [hidden, inner]),
    }


def llama_3_8b() -> Shapes:
    tensors = around(128_256, 4096)
    for layer in range(32):
        at = f"model.layers.{layer}"
        tensors |= attention(f"{at}.self_attn", 4096, 32, 8, 128) | norms(at, 4096)
        tensors |= gated(f"{at}.mlp", 4096, 14_336)
    return tensors


def qwen_3_8b() -> Shapes:
    tensors = around(151_936, 4096)
    for layer in range(36):
        at = f"model.layers.{layer}"
        tensors |= attention(f"{at}.self_attn", 4096, 32, 8, 128) | norms(at, 4096)
        tensors |= gated(f"{at}.mlp", 4096, 12_288)
        tensors |= {f"{at}.self_attn.{each}_norm.weight": ("BF16", [128]) for each in "qk"}
    return tensors


def mixtral_8x7b() -> Shapes:
    tensors = around(32_000, 4096)
    for layer in range(32):
        at = f"model.layers.{layer}"
        tensors |= attention(f"{at}.self_attn", 4096, 32, 8, 128) | norms(at, 4096)
        tensors[f"{at}.block_sparse_moe.gate.weight"] = ("BF16", [8, 4096])
        for expert in range(8):
            tensors |= gated(f"{at}.block_sparse_moe.experts.{expert}", 4096, 14_336)
    return tensors


def gpt_oss_20b() -> Shapes:
    """Experts in MXFP4: blocks of 32 values in 16 bytes, and a scale for each."""
    tensors = around(201_088, 2880)
    for layer in range(24):
        at = f"model.layers.{layer}"
        tensors |= attention(f"{at}.self_attn", 2880, 64, 8, 64) | norms(at, 2880)
        for name, rows in (("q_proj", 4096), ("k_proj", 512), ("v_proj", 512), ("o_proj", 2880)):
            tensors[f"{at}.self_attn.{name}.bias"] = ("BF16", [rows])
        tensors[f"{at}.self_attn.sinks"] = ("BF16", [64])
        tensors[f"{at}.mlp.router.weight"] = ("BF16", [32, 2880])
        tensors[f"{at}.mlp.router.bias"] = ("BF16", [32])
        for name, rows in (("gate_up_proj", 5760), ("down_proj", 2880)):
            expert = f"{at}.mlp.experts.{name}"
            tensors[f"{expert}_blocks"] = ("U8", [32, rows, 90, 16])
            tensors[f"{expert}_scales"] = ("U8", [32, rows, 90])
            tensors[f"{expert}_bias"] = ("BF16", [32, rows])
    return tensors


def linear_layers(shapes: Shapes) -> dict[str, tuple[int, int]]:
    """Rows and columns of what a quantization packs."""
    return {
        name.removesuffix(".weight"): (shape[0], shape[1])
        for name, (_, shape) in shapes.items()
        if "_proj.weight" in name
    }


def as_fp8(shapes: Shapes) -> Shapes:
    """Blocks of 128 x 128 with a scale each, as DeepSeek V3 and Qwen3 publish them."""
    tensors = dict(shapes)
    for name, (rows, columns) in linear_layers(shapes).items():
        tensors[f"{name}.weight"] = ("F8_E4M3", [rows, columns])
        tensors[f"{name}.weight_scale_inv"] = ("BF16", [-(-rows // 128), -(-columns // 128)])
    return tensors


def as_awq(shapes: Shapes) -> Shapes:
    """Eight 4-bit values a word along the outputs, groups of 128 inputs."""
    tensors = dict(shapes)
    for name, (rows, columns) in linear_layers(shapes).items():
        del tensors[f"{name}.weight"]
        tensors[f"{name}.qweight"] = ("I32", [columns, rows // 8])
        tensors[f"{name}.qzeros"] = ("I32", [columns // 128, rows // 8])
        tensors[f"{name}.scales"] = ("F16", [columns // 128, rows])
    return tensors


def as_gptq(shapes: Shapes, bits: int) -> Shapes:
    """32 / bits values a word along the inputs, and the group of each input."""
    tensors = dict(shapes)
    for name, (rows, columns) in linear_layers(shapes).items():
        del tensors[f"{name}.weight"]
        tensors[f"{name}.qweight"] = ("I32", [columns * bits // 32, rows])
        tensors[f"{name}.qzeros"] = ("I32", [columns // 128, rows * bits // 32])
        tensors[f"{name}.scales"] = ("F16", [columns // 128, rows])
        tensors[f"{name}.g_idx"] = ("I32", [columns])
    return tensors


def as_compressed(shapes: Shapes) -> Shapes:
    """compressed-tensors' pack-quantized, 4 bits."""
    tensors = dict(shapes)
    for name, (rows, columns) in linear_layers(shapes).items():
        del tensors[f"{name}.weight"]
        tensors[f"{name}.weight_packed"] = ("I32", [rows, columns // 8])
        tensors[f"{name}.weight_scale"] = ("BF16", [rows, columns // 128])
        tensors[f"{name}.weight_shape"] = ("I64", [2])
    return tensors


def as_nvfp4(shapes: Shapes) -> Shapes:
    """Two values a byte, a scale for 16 of them and one for all."""
    tensors = dict(shapes)
    for name, (rows, columns) in linear_layers(shapes).items():
        tensors[f"{name}.weight"] = ("U8", [rows, columns // 2])
        tensors[f"{name}.weight_scale"] = ("F8_E4M3", [rows, columns // 16])
        tensors[f"{name}.weight_scale_2"] = ("F32", [])
        tensors[f"{name}.input_scale"] = ("F32", [])
    return tensors


def as_bitsandbytes(shapes: Shapes) -> Shapes:
    """Two values a byte in one long column, and how to read them beside it."""
    tensors = dict(shapes)
    for name, (rows, columns) in linear_layers(shapes).items():
        tensors[f"{name}.weight"] = ("U8", [rows * columns // 2, 1])
        tensors[f"{name}.weight.absmax"] = ("U8", [rows * columns // 64])
        tensors[f"{name}.weight.quant_map"] = ("F32", [16])
        tensors[f"{name}.weight.nested_absmax"] = ("F32", [rows])
        tensors[f"{name}.weight.quant_state.bitsandbytes__nf4"] = ("U8", [94])
    return tensors


PUBLISHED = {
    "Llama 3.1 8B": (llama_3_8b(), 8_030_261_248),
    "Qwen3 8B": (qwen_3_8b(), 8_190_735_360),
    "Qwen3 8B FP8": (as_fp8(qwen_3_8b()), 8_190_735_360),
    "Qwen3 8B AWQ": (as_awq(qwen_3_8b()), 8_190_735_360),
    "Llama 3.1 8B GPTQ, 4 bits": (as_gptq(llama_3_8b(), 4), 8_030_261_248),
    "Llama 3.1 8B GPTQ, 8 bits": (as_gptq(llama_3_8b(), 8), 8_030_261_248),
    "Llama 3.1 8B, compressed-tensors": (as_compressed(llama_3_8b()), 8_030_261_248),
    "Llama 3.1 8B NVFP4": (as_nvfp4(llama_3_8b()), 8_030_261_248),
    "Llama 3.1 8B, bitsandbytes": (as_bitsandbytes(llama_3_8b()), 8_030_261_248),
    "Mixtral 8x7B": (mixtral_8x7b(), 46_702_792_704),
    "gpt-oss 20B": (gpt_oss_20b(), 20_914_757_184),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameters_of_published_models(name: str) -> None:
    """The counts are those of the models' own pages; a quantized copy has as many as its origin."""
    shapes, parameters = PUBLISHED[name]
    assert joined(shapes).parameters == parameters


def test_bytes_and_type_are_those_on_the_disk() -> None:
    stored = joined(as_fp8(qwen_3_8b()))
    linear = sum(rows * columns for rows, columns in linear_layers(qwen_3_8b()).values())
    assert stored.dtype == "F8_E4M3"
    assert stored.size_bytes == linear + 2 * (8_190_735_360 - linear) + 2 * (linear // 128**2)


def test_tables_of_ids_are_no_parameters() -> None:
    shapes: Shapes = {"fc.weight": ("F16", [4, 4]), "d2t": ("I64", [8]), "t2d": ("BOOL", [32])}
    assert joined(shapes).parameters == 16


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "F16", "shape": [2], "data_offsets": [0, 5]}, "does not fill"),
        ({"dtype": "F16", "shape": [-2], "data_offsets": [0, 4]}, "no dtype, shape and offsets"),
        ({"dtype": 3, "shape": [2], "data_offsets": [0, 4]}, "no dtype, shape and offsets"),
        ({"dtype": "F16", "shape": [2], "data_offsets": [4]}, "no dtype, shape and offsets"),
        ([], "no dtype, shape and offsets"),
        ({"dtype": "X", "shape": [10**4000] * 3, "data_offsets": [0, 4]}, "larger than any"),
        ({"dtype": "X", "shape": [1 << 40] * 9, "data_offsets": [0, 4]}, "larger than any"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused(entry: object, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        weights.joined([("model.safetensors", {"w": entry})])


@pytest.mark.parametrize("content", [b"", b"\1", b"\xff" * 8, b"\x10" + bytes(7) + b"{}"])
def test_a_file_that_ends_within_its_header_is_refused(tmp_path: Path, content: bytes) -> None:
    place = builders.write(tmp_path / "model", {"model.safetensors": content})
    with pytest.raises(RefusedError, match=r"model\.safetensors"):
        weights.read(folder.at(place))
