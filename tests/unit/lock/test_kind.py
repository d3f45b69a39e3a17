"""Kinds of drafts, in the configurations and tensors in which they are published."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_runtime.contract.request import ANY_METHOD
from tandem_runtime.lock.draft import draft_kinds, kind
from tandem_runtime.lock.draft.kind import Kind
from tandem_runtime.lock.model.model_config import ModelConfig
from tandem_runtime.lock.model.weights import Tensor
from tandem_runtime.lock.verdict import method_fit
from tandem_runtime.lock.verdict.inspect import Side

Config = dict[str, Any]
LLAMA: Config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}
EAGLE_TENSORS = {"fc.weight": (4, 8), "layers.0.self_attn.q_proj.weight": (4, 4)}
EAGLE_3_TENSORS = {
    "fc.weight": (4, 12),
    "midlayer.self_attn.q_proj.weight": (4, 8),
    "midlayer.hidden_norm.weight": (4,),
    "norm.weight": (4,),
}
MODEL_TENSORS = {"model.embed_tokens.weight": (4, 4), "model.layers.0.mlp.up_proj.weight": (4, 4)}


def of(
    config: Config | None,
    shapes: dict[str, tuple[int, ...]] | None = None,
    names: tuple[str, ...] = ("config.json", "model.safetensors"),
    *,
    has_tokenizer: bool = False,
) -> Kind:
    tensors = {name: Tensor("F16", shape, 0) for name, shape in (shapes or {}).items()}
    return kind.of(config, tensors, names, has_tokenizer)


def name_of(draft_kind: Kind) -> str | None:
    return None if draft_kind.kind is None else draft_kind.kind.name


def head(architecture: str, **more: Any) -> Config:
    return {"architectures": [architecture], "model_type": "llama", **more}


def speculator(algorithm: str) -> Config:
    return {"architectures": ["ASpeculator"], "speculators_model_type": algorithm}


CONFIGS: dict[str, tuple[Config, str | None]] = {
    "EAGLE as vLLM names it": (head("EagleLlamaForCausalLM"), "Eagle"),
    "EAGLE as SGLang names it": (head("LlamaForCausalLMEagle"), "Eagle"),
    "EAGLE of DeepSeek": (head("EagleDeepSeekMTPModel"), "Eagle"),
    "EAGLE-3 of the paper": (head("LlamaForCausalLMEagle3"), "Eagle3"),
    "EAGLE-3 as vLLM names it": (head("Eagle3Qwen3vlForCausalLM"), "Eagle3"),
    "EAGLE-3 by its type": ({"model_type": "eagle3"}, "Eagle3"),
    "EAGLE-3 under a plain name": ({**LLAMA, "draft_vocab_size": 32000}, "Eagle3"),
    "EAGLE-3 of speculators": (speculator("eagle3"), "Eagle3"),
    "EAGLE-3 of speculators, by its algorithm": (
        {"speculators_config": {"algorithm": "eagle3"}},
        "Eagle3",
    ),
    "EAGLE of speculators": (speculator("eagle"), "Eagle"),
    "P-EAGLE of speculators": (speculator("peagle"), "PEagle"),
    "P-EAGLE by its mask token": (head("LlamaForCausalLMEagle3", ptd_token_id=7), "PEagle"),
    "DFlash": (head("DFlashDraftModel", dflash_config={"mask_token_id": 1}), "DFlash"),
    "DFlash of speculators": (speculator("dflash"), "DFlash"),
    "DSpark": (head("Qwen3DSparkModel"), "DSpark"),
    "Medusa of the paper": ({"medusa_num_heads": 4, "medusa_num_layers": 1}, "Medusa"),
    "Medusa as vLLM writes it": ({"model_type": "medusa", "num_heads": 4}, "Medusa"),
    "Hydra": ({"hydra_num_heads": 4, "base_model_name_or_path": "a/b"}, "Hydra"),
    "MLP speculator": (
        {"architectures": ["MLPSpeculatorPreTrainedModel"], "model_type": "mlp_speculator"},
        "MLPSpeculator",
    ),
    "an assistant": (
        {"architectures": ["Gemma4AssistantForCausalLM"], "model_type": "gemma4_assistant"},
        "MTP",
    ),
    "MTP layers apart": (head("DeepseekV3ForCausalLMNextN"), "MTP"),
    "an algorithm of tomorrow": (speculator("telepathy"), "Unknown"),
    "an architecture of tomorrow": (head("TelepathyDraftModel"), "Unknown"),
    "nothing said": ({"hidden_size": 8}, None),
    "a classifier": (head("Qwen3ForSequenceClassification"), "WithoutText"),
    "a reward model": (head("Qwen2ForRewardModel"), "WithoutText"),
    "an encoder": ({"architectures": ["BertForMaskedLM"], "model_type": "bert"}, "WithoutText"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_a_configuration_tells_its_kind(name: str) -> None:
    config, expected = CONFIGS[name]
    assert name_of(of(config)) == expected


ORDINARY = (
    "LlamaForCausalLM",
    "GPT2LMHeadModel",
    "Gemma4ForConditionalGeneration",
    "Eagle2_5_VLForConditionalGeneration",
)


@pytest.mark.parametrize("architecture", ORDINARY)
def test_an_ordinary_model_is_one_whatever_it_is_called(architecture: str) -> None:
    config = {"architectures": [architecture], "model_type": "eagle_2_5_vl"}
    assert name_of(of(config, MODEL_TENSORS, has_tokenizer=True)) == "Model"


def test_an_ordinary_model_of_a_new_name_is_known_by_its_tokenizer_and_layers() -> None:
    named = {"architectures": ["TomorrowChatModel"], "model_type": "tomorrow"}
    assert name_of(of(named, MODEL_TENSORS, has_tokenizer=True)) == "Model"
    assert name_of(of(named, MODEL_TENSORS)) == "Unknown"
    draft = {"architectures": ["TomorrowDraftModel"], "model_type": "tomorrow"}
    assert name_of(of(draft, MODEL_TENSORS, has_tokenizer=True)) == "Unknown"


TENSORS: dict[str, tuple[dict[str, tuple[int, ...]], str]] = {
    "EAGLE": (EAGLE_TENSORS, "Eagle"),
    "EAGLE, quantised": ({"fc.qweight": (1, 4), "layers.0.mlp.up_proj.qweight": (1, 4)}, "Eagle"),
    "EAGLE-3": (EAGLE_3_TENSORS, "Eagle3"),
    "EAGLE-3 by a wide projection alone": ({"fc.weight": (4, 12), "layers.0.w": (4, 4)}, "Eagle3"),
    "EAGLE-3 by its table": ({"d2t": (4,), "fc.qweight": (1, 4)}, "Eagle3"),
    "EAGLE-3 below a prefix": ({"model.midlayer.mlp.up_proj.weight": (4, 4)}, "Eagle3"),
    "DFlash": ({"fc.weight": (4, 20), "hidden_norm.weight": (4,), "layers.0.w": (4,)}, "DFlash"),
    "Medusa": ({"0.0.linear.weight": (4, 4), "0.1.weight": (4, 4)}, "Medusa"),
    "Medusa below a prefix": ({"medusa_head.0.0.linear.weight": (4, 4)}, "Medusa"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_tensors_tell_the_kind_of_a_head_under_a_plain_name(name: str) -> None:
    shapes, expected = TENSORS[name]
    assert name_of(of(LLAMA, shapes)) == expected
    assert name_of(of(None, shapes)) == expected


@pytest.mark.parametrize("left_out", ["lm_head.weight", "embed_tokens.weight"])
def test_a_head_without_output_or_embeddings_of_its_own_stays_one(left_out: str) -> None:
    shapes = {**EAGLE_3_TENSORS, "lm_head.weight": (4, 4), "embed_tokens.weight": (4, 4)}
    del shapes[left_out]
    draft_kind = of(head("LlamaForCausalLMEagle3"), shapes)
    assert (name_of(draft_kind), draft_kind.contradiction) == ("Eagle3", None)


def test_a_configuration_beside_the_tensors_of_another_head_is_a_contradiction() -> None:
    draft_kind = of(head("EagleLlamaForCausalLM"), EAGLE_3_TENSORS)
    assert draft_kind.contradiction is not None
    assert "an EAGLE head" in draft_kind.contradiction
    assert "an EAGLE-3 head" in draft_kind.contradiction


@pytest.mark.parametrize(
    ("architecture", "tensors"),
    [
        ("DFlashDraftModel", {"fc.weight": (4, 20), "layers.0.self_attn.q_proj.weight": (4, 4)}),
        ("LlamaForCausalLMEagle3", {"fc.weight": (8, 12), "layers.0.mlp.up_proj.weight": (4, 4)}),
        ("EagleDeepSeekMTPModel", {"pre_projection.weight": (4, 4)}),
        ("Eagle3LlamaForCausalLM", {"fc.qweight": (1, 4)}),
    ],
)
def test_a_projection_alone_contradicts_no_head_that_has_one(
    architecture: str, tensors: dict[str, tuple[int, ...]]
) -> None:
    assert of(head(architecture), tensors).contradiction is None


def test_a_llama_of_one_layer_in_a_pickle_may_be_anything() -> None:
    names = ("config.json", "pytorch_model.bin")
    assert of(LLAMA, names=names) == kind.NOT_KNOWN


LORA = {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": (4, 4)}


@pytest.mark.parametrize(
    ("names", "shapes", "expected"),
    [
        (("adapter_config.json", "adapter_model.safetensors"), LORA, True),
        (("adapter_config.json", "adapter_model.bin", "tokenizer.json"), {}, True),
        (("adapter_config.json", "config.json", "model.safetensors"), MODEL_TENSORS, False),
        (("adapter_config.json", "model-00001-of-00002.safetensors"), {}, False),
        (("config.json", "model.safetensors"), MODEL_TENSORS, False),
    ],
)
def test_an_adapter_is_one_unless_a_model_stands_beside_it(
    names: tuple[str, ...], shapes: dict[str, tuple[int, ...]], expected: bool
) -> None:
    assert (name_of(of(LLAMA, shapes, names)) == "Adapter") is expected


def side(draft_kind: Kind, architecture: str | None = None) -> Side:
    return Side(kind=draft_kind, model=ModelConfig(architecture=architecture))


def known(name: str) -> Kind:
    return Kind(draft_kinds.KINDS[name])


FITTING = {
    ("DraftModel", "Model"), ("DraftModel", "MTP"), ("MTP", "MTP"), ("Eagle", "Eagle"),
    ("Eagle3", "Eagle3"), ("Eagle3", "PEagle"), ("Medusa", "Medusa"),
    ("DFlash", "DFlash"), ("DSpark", "DSpark"),
}  # fmt: skip


@pytest.mark.parametrize("method", sorted({method for method, _ in FITTING}))
@pytest.mark.parametrize("name", sorted({*draft_kinds.KINDS} - {"Unknown", "Adapter"}))
def test_a_method_takes_the_drafts_that_were_made_for_it(method: str, name: str) -> None:
    target = side(known("Model"))
    comparison = method_fit.evaluate(method, target, side(known(name), "SomeArchitecture"))
    assert (comparison is None) is ((method, name) in FITTING)
    if comparison is not None:
        assert (comparison.verdict, comparison.reason) == ("Incompatible", "DraftKindDiffers")
        assert draft_kinds.KINDS[name].title in comparison.message
        fitting = draft_kinds.KINDS[name].methods
        assert comparison.advice is not None
        assert all(each in comparison.advice for each in fitting)
        assert fitting or "no method of this release" in comparison.advice


def test_what_is_not_known_is_told_and_never_taken_for_a_model() -> None:
    target = side(known("Model"))
    comparison = method_fit.evaluate(
        "DraftModel", target, side(known("Unknown"), "TelepathyDraftModel")
    )
    assert comparison is not None
    assert (comparison.verdict, comparison.reason) == ("Unknown", "DraftKindDiffers")
    assert "TelepathyDraftModel" in comparison.message
    assert method_fit.evaluate("Eagle3", target, side(kind.NOT_KNOWN)) is None


def test_where_no_method_is_named_any_that_takes_the_draft_will_do() -> None:
    target = side(known("Model"))
    for name in draft_kinds.KINDS:
        comparison = method_fit.evaluate(ANY_METHOD, target, side(known(name)))
        assert (comparison is None) is bool(draft_kinds.KINDS[name].methods)


@pytest.mark.parametrize("name", ["Adapter", "Eagle3", "Medusa", "DFlash"])
def test_a_target_serves_by_itself(name: str) -> None:
    comparison = method_fit.evaluate("NGram", side(known(name)), None)
    assert comparison is not None
    assert (comparison.verdict, comparison.reason) == ("Incompatible", "NotAModel")


def test_an_adapter_is_no_draft() -> None:
    comparison = method_fit.evaluate("DraftModel", side(known("Model")), side(known("Adapter")))
    assert comparison is not None
    assert comparison.reason == "NotAModel"
    assert "merge it" in (comparison.advice or "")


def test_eagle_s_tensors_below_the_name_of_eagle_3() -> None:
    named = head("LlamaForCausalLMEagle3")
    assert of(named, EAGLE_TENSORS).contradiction is not None
    two_layers = {"fc.weight": (4, 8), "layers.0.hidden_norm.weight": (4,)}
    assert of(named, two_layers | EAGLE_TENSORS).contradiction is None
    assert of(named, {"fc.weight": (4, 8)}).contradiction is None
