"""MTP layers: what configurations count, and what names of tensors show of them."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_runtime.lock.draft import mtp_layers
from tandem_runtime.lock.verdict import alone
from tandem_runtime.lock.verdict.inspect import Side

OWN: dict[str, tuple[dict[str, Any] | None, int]] = {
    "no config.json": (None, 0),
    "DeepSeek V3": ({"num_nextn_predict_layers": 1}, 1),
    "GLM-4.5": ({"model_type": "glm4_moe", "num_nextn_predict_layers": 1}, 1),
    "ERNIE 4.5": ({"model_type": "ernie4_5_moe", "num_nextn_predict_layers": 1}, 1),
    "MiMo 7B": ({"model_type": "mimo", "num_nextn_predict_layers": 1}, 1),
    "LongCat, three": ({"num_nextn_predict_layers": 3}, 3),
    "Qwen3.5, nested": ({"text_config": {"mtp_num_hidden_layers": 1}}, 1),
    "Kimi, nested": ({"text_config": {"num_nextn_predict_layers": 1}}, 1),
    "Qwen3-Next says nothing of it": ({"model_type": "qwen3_next"}, 1),
    "none": ({"model_type": "llama"}, 0),
    "zero": ({"num_nextn_predict_layers": 0}, 0),
    "zero where the type has one": ({"model_type": "qwen3_next", "num_nextn_predict_layers": 0}, 0),
    "no count": ({"num_nextn_predict_layers": "1"}, 0),
    "a truth": ({"num_nextn_predict_layers": True}, 0),
    "MiniMax M3": ({"model_type": "minimax_m3_vl", "text_config": {"num_mtp_modules": 3}}, 3),
    "Inkling, apart": ({"mtp_config": {"num_nextn_predict_layers": 2}}, 2),
    "null": ({"num_nextn_predict_layers": None}, 0),
}


@pytest.mark.parametrize("name", OWN)
def test_layers_with_which_a_target_drafts_for_itself(name: str) -> None:
    config, layers = OWN[name]
    assert mtp_layers.declared(config) == layers


BODY = tuple(
    f"model.layers.{layer}.{part}.weight"
    for layer in range(3)
    for part in ("self_attn.q_proj", "mlp.down_proj", "input_layernorm")
)
HELD = {
    "GLM and DeepSeek: behind the last layer": (("model.layers.3.eh_proj.weight",), 1),
    "without a mark of its own": (("model.layers.3.mlp.down_proj.weight",), 1),
    "three of them": (tuple(f"model.layers.{at}.enorm.weight" for at in (3, 4, 5)), 3),
    "quantised": (("model.layers.3.eh_proj.qweight", "model.layers.3.eh_proj.scales"), 1),
    "below the language model": (("language_model.model.layers.3.hnorm.weight",), 1),
    "Qwen3-Next": (("mtp.fc.weight", "mtp.layers.0.mlp.gate.weight", "mtp.norm.weight"), 1),
    "MiMo": (("model.mtp_layers.0.token_layernorm.weight",), 1),
    "LongCat": (("model.mtp.layers.0.eh_proj.weight", "model.mtp.embed_tokens.weight"), 1),
    "ERNIE": (("model.mtp_block.0.mlp.up_proj.weight", "model.mtp_linear_proj.0.weight"), 1),
    "DeepSeek V4": (("mtp.0.attn.wq_a.weight", "mtp.1.attn.wq_a.weight"), 2),
    "only the module's own norm": (("mtp.norm.weight",), 1),
    "nothing": ((), 0),
    "a vision tower of more layers": (("visual.layers.9.mlp.weight",), 0),
}


@pytest.mark.parametrize("name", HELD)
def test_names_of_tensors_show_the_layers(name: str) -> None:
    more, count = HELD[name]
    assert mtp_layers.in_files({"num_hidden_layers": 3}, {*BODY, *more}) == count


def test_without_names_nothing_is_known_of_them() -> None:
    assert mtp_layers.in_files({"num_hidden_layers": 3}, ()) is None


def side(declared: int, names: tuple[str, ...], model_type: str = "glm4_moe") -> Side:
    config: dict[str, Any] = {
        "model_type": model_type,
        "num_hidden_layers": 3,
        "num_nextn_predict_layers": declared,
    }
    return Side(config=config, tensor_names=names)


JUDGED = {
    "whole": (side(1, (*BODY, "model.layers.3.eh_proj.weight")), "Compatible"),
    "stripped by a quantiser": (side(1, BODY), "Incompatible"),
    "one of three left": (side(3, (*BODY, "model.layers.3.eh_proj.weight")), "Incompatible"),
    "one is all that engines load": (side(3, (*BODY, "mtp.0.w"), "mimo_v2_flash"), "Compatible"),
    "not seen, of a type that has them": (side(1, ()), "Compatible"),
    "not seen, of no type that has them": (side(1, (), "llama"), "Unknown"),
    "seen, of a new type": (side(1, (*BODY, "mtp.0.w"), "brand_new"), "Compatible"),
    "none declared": (side(0, BODY), "Incompatible"),
}


@pytest.mark.parametrize("name", JUDGED)
def test_a_target_drafts_with_layers_that_it_declares_and_holds(name: str) -> None:
    target, verdict = JUDGED[name]
    assert alone.evaluate("MTP", target).verdict == verdict


def test_what_was_stripped_is_told_with_its_number_and_a_way_out() -> None:
    comparison = alone.evaluate("MTP", side(1, BODY))
    assert comparison.reason == "WeightsMissing"
    assert "declares 1 layer for MTP, and its files hold tensors of none" in comparison.message
    assert comparison.advice is not None
    assert "keeps the MTP layers" in comparison.advice


@pytest.mark.parametrize("method", ["NGram", "Suffix", "LayerSkip"])
def test_other_methods_without_a_draft_need_no_layers(method: str) -> None:
    assert alone.evaluate(method, side(1, BODY)).verdict == "Compatible"
