"""vLLM's rules of a pair: what each refuses or tells, and its nearest neighbour that starts."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.engines.interface.pair_judgement import PairJudgement
from tandem_operator.engines.vllm import DRIVER, pair_view
from tandem_operator.engines.vllm.rules import pair as pair_rules
from tests.unit.engines import builders

Object = dict[str, Any]
LATER = "vllm/vllm-openai:v0.33.1"


def judge(
    changes: Object | None = None, target: Object | None = None, draft: Object | None = None
) -> PairJudgement:
    spec = builders.spec(changes)
    report = builders.report(target, draft, alone=spec.draft is None)
    return DRIVER.judge_pair(spec, report)


ROWS = {"config_vocab_size": 152_064}
FEWER = {"config_vocab_size": 151_936}
MAPPED = {"speculation.engineConfig": {"use_heterogeneous_vocab": True}}
MTP = {"speculation.method": "MTP", "speculation.maxTokens": 5}
MEDUSA = {
    "speculation.method": "Medusa",
    "speculation.constrainedOutput": "Allow",
    "speculation.maxTokens": 5,
}
FIXED = {
    "parallelism.pipeline": 2,
    "tuning.mode": "Fixed",
    "speculation.constrainedOutput": "Allow",
}
EAGLE = {"speculation.method": "Eagle"}
EAGLE_3 = {"speculation.method": "Eagle3"}
THREE = {"model_type": "deepseek_v3", "mtp_layers": 3, "mtp_layers_in_files": 3}
HEAD_3 = {"kind": "Eagle3", "architecture": "LlamaForCausalLMEagle3"}
HEAD = {"kind": "Eagle", "architecture": "EagleLlamaForCausalLM"}
SPECULATOR = {"kind": "Eagle3", "architecture": "ASpeculator", "speculators": "eagle3"}


def also(*parts: Object) -> Object:
    merged: Object = {}
    for part in parts:
        merged |= part
    return merged


REFUSED: dict[str, tuple[Object, Object, Object, str]] = {
    # name: (changes of the spec, target, draft, what the message says)
    "no weights in a claim": ({}, {"uri": "pvc://m/t", "weights": "none"}, {}, "hold no weights"),
    "GGUF": ({}, {}, {"weights": "gguf"}, "no loader for"),
    "a quantisation that is not loaded": ({}, {}, {"quantization": "exl2"}, "exl2"),
    "a deprecated one": ({}, {"quantization": "fp_quant"}, {}, "deprecated"),
    "another one asked for": (
        {"engine.args": ["--quantization=awq"]},
        {"quantization": "gptq"},
        {},
        "stored as gptq",
    ),
    "one asked for that is not stored": (
        {"engine.args": ["--quantization", "gptq"]},
        {},
        {},
        "not stored as gptq",
    ),
    "the draft's, of the target's kind": (
        {"speculation.engineConfig": {"quantization": "fp8"}},
        {"quantization": "fp8"},
        {"quantization": "awq"},
        "the draft is stored as awq",
    ),
    "an EAGLE-3 head under DraftModel": ({}, {}, HEAD_3, "of kind Eagle3"),
    "an EAGLE head under Eagle3": (EAGLE_3, {}, HEAD, "of kind Eagle"),
    "an ordinary model under Eagle3": (EAGLE_3, {}, {"kind": "Model"}, "of kind Model"),
    "a DFlash head": (EAGLE_3, {}, {"kind": "DFlash"}, "of kind DFlash"),
    "a head as a target": ({}, HEAD_3, {"kind": "Model"}, "does not serve by itself"),
    "a head without a class": (
        EAGLE,
        {},
        {"kind": "Eagle", "architecture": "LlamaForCausalLMEagle"},
        "EagleLlamaForCausalLMEagle",
    ),
    "speculators that are not read": (
        EAGLE,
        {},
        also(SPECULATOR, {"kind": "Eagle", "speculators": "eagle"}),
        "speculators of type eagle",
    ),
    "speculators of other layers": (
        EAGLE_3,
        {},
        also(SPECULATOR, {"text_type": "gemma2"}),
        "gemma2 layers",
    ),
    "MTP of a type without it": (MTP, {"model_type": "llama", "mtp_layers": 1}, {}, "no MTP for"),
    "MTP layers that are not in the files": (
        also(MTP, {"speculation.maxTokens": 3}),
        also(THREE, {"mtp_layers_in_files": 0}),
        {},
        "its files hold none",
    ),
    "DSpark stages under MTP": (MTP, {"model_type": "deepseek_v41"}, {}, "DSpark"),
    "Nemotron without layers": (MTP, {"model_type": "nemotron_h"}, {}, "no MTP for"),
    "a draft that vLLM takes for MTP layers": (
        {},
        {},
        {"kind": "Model", "model_type": "qwen3_5"},
        "for the MTP layers of its target",
    ),
    "other rows": ({}, ROWS, FEWER, "the target has 152064 rows, the draft 151936"),
    "a mapping for a head": (
        also(EAGLE_3, MAPPED),
        {},
        HEAD_3,
        "for draft models alone",
    ),
    "a mapping that is not greedy": (
        {
            "speculation.engineConfig": {
                "use_heterogeneous_vocab": True,
                "draft_sample_method": "probabilistic",
            }
        },
        ROWS,
        FEWER,
        "drafts greedily",
    ),
    "a fixed K between multiples of the layers": (
        also(MTP, {**FIXED, "speculation.maxTokens": 7}),
        THREE,
        {},
        "3 MTP layers",
    ),
    "more tokens than Medusa heads": (
        MEDUSA,
        {},
        {"kind": "Medusa", "medusa_heads": 2},
        "2 Medusa",
    ),
    "heads of the target": (
        {"parallelism.tensor": 3},
        {"attention_heads": 40},
        {},
        "target has 40",
    ),
    "heads of the draft": ({"parallelism.tensor": 4}, {}, {"attention_heads": 14}, "draft has 14"),
    "a mapped draft on fewer devices": (
        also(MAPPED, {"parallelism.tensor": 2, "speculation.draftTensorParallel": 1}),
        {},
        {},
        "cuts the draft as its target",
    ),
    "a longer length than the target's": (
        {"engine.args": ["--max-model-len=64k"]},
        {"context_length": 40_960},
        {},
        "allows 40960",
    ),
    "a longer length than the draft's": (
        {"speculation.engineConfig": {"max_model_len": 4096}},
        {"context_length": 8192},
        {"context_length": 2048},
        "draft's config.json allows 2048",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_what_where_and_a_remedy(name: str) -> None:
    changes, target, draft, expected = REFUSED[name]
    judgement = judge(changes, target, draft)
    assert not judgement.allowed
    assert any(expected in each.message for each in judgement.refusals), judgement.reasons
    assert all(each.field.startswith("spec.") and each.remedy for each in judgement.refusals)


STARTS: dict[str, tuple[Object, Object, Object]] = {
    "nothing is known": ({}, {}, {}),
    "weights, as a laptop's folder lacks them": ({}, {"uri": "models/t", "weights": "none"}, {}),
    "safetensors beside GGUF": ({}, {}, {"weights": "safetensors"}),
    "a pickle": ({}, {}, {"weights": "pickle"}),
    "a quantisation under its other name": ({}, {"quantization": "auto-round"}, {}),
    "a deprecated one, allowed": (
        {"engine.args": ["--allow-deprecated-quantization"]},
        {"quantization": "fp_quant"},
        {},
    ),
    "one of the same family": (
        {"engine.args": ["--quantization=gptq_marlin"]},
        {"quantization": "gptq"},
        {},
    ),
    "one that vLLM makes while it loads": ({"engine.args": ["--quantization=fp8"]}, {}, {}),
    "a quantised target and a plain draft": ({}, {"quantization": "fp8"}, {}),
    "an EAGLE-3 head": (EAGLE_3, {}, HEAD_3),
    "an EAGLE-3 head under a plain name": (
        EAGLE_3,
        {},
        {"kind": "Eagle3", "architecture": "LlamaForCausalLM"},
    ),
    "an EAGLE head under a plain name": (
        EAGLE,
        {},
        {"kind": "Eagle", "architecture": "LlamaForCausalLM"},
    ),
    "speculators": (EAGLE_3, {}, also(SPECULATOR, {"text_type": "qwen3"})),
    "an assistant as a draft model": (
        {"speculation.maxTokens": 4},
        ROWS,
        {"kind": "MTP", "model_type": "gemma4_assistant"},
    ),
    "K of fewer than the layers": (also(MTP, {"speculation.maxTokens": 2}), THREE, {}),
    "K of all layers": (also(MTP, {"speculation.maxTokens": 3}), THREE, {}),
    "K of twice the layers": (also(MTP, {"speculation.maxTokens": 6}), THREE, {}),
    "K of one layer": (MTP, {"model_type": "glm4_moe", "architecture": "Glm4MoeForCausalLM"}, {}),
    "only the first layer is loaded": (
        MTP,
        {"model_type": "mimo_v2_flash", "architecture": "MiMoV2FlashForCausalLM", "mtp_layers": 3},
        {},
    ),
    "Nemotron with layers": (MTP, {"model_type": "nemotron_h", "mtp_layers": 1}, {}),
    "as many tokens as Medusa heads": (
        also(MEDUSA, {"speculation.maxTokens": 2}),
        {},
        {"kind": "Medusa", "medusa_heads": 2},
    ),
    "the same rows": ({}, ROWS, ROWS),
    "rows of one side alone": ({}, ROWS, {}),
    "other rows, mapped": (MAPPED, ROWS, FEWER),
    "other rows, mapped with a dash": (
        {"speculation.engineConfig": {"use-heterogeneous-vocab": True}},
        ROWS,
        FEWER,
    ),
    "other rows under a head": (EAGLE_3, ROWS, also(HEAD_3, FEWER)),
    "a draft on one device of four": (
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 1},
        {"attention_heads": 40},
        {"attention_heads": 14},
    ),
    "Medusa heads on three devices": (
        also(MEDUSA, {"parallelism.tensor": 3, "speculation.maxTokens": 1}),
        {"attention_heads": 12},
        {"kind": "Medusa", "medusa_heads": 2, "attention_heads": 5},
    ),
    "a longer length, allowed": (
        {
            "engine.args": ["--max-model-len=64k"],
            "engine.env": [{"name": "VLLM_ALLOW_LONG_MAX_MODEL_LEN", "value": "1"}],
        },
        {"context_length": 40_960},
        {},
    ),
    "a length within the target's": (
        {"engine.args": ["--max-model-len", "40K"]},
        {"context_length": 40_960},
        {},
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_the_nearest_neighbour_starts(name: str) -> None:
    changes, target, draft = STARTS[name]
    judgement = judge(changes, target, draft)
    assert judgement.allowed, judgement.reasons


TOLD: dict[str, tuple[Object, Object, Object, str | None]] = {
    # name: (changes, target, draft, what the warning says; None for no warning)
    "a draft that ends before its target": (
        {},
        {"context_length": 262_144},
        {"context_length": 40_960},
        "the draft ends at 40960 tokens and the target serves 262144",
    ),
    "the target serves no more than the draft": (
        {"engine.args": ["--max-model-len=40960"]},
        {"context_length": 262_144},
        {"context_length": 40_960},
        None,
    ),
    "min_p": ({}, {"generation_defaults": {"min_p": 0.05}}, {}, "min_p 0.05"),
    "min_p of nothing": ({}, {"generation_defaults": {"min_p": 0.0}}, {}, None),
    "min_p, taken back": (
        {"engine.args": ['--override-generation-config={"min_p": 0.0}']},
        {"generation_defaults": {"min_p": 0.05}},
        {},
        None,
    ),
    "min_p, not read": (
        {"engine.args": ["--generation-config", "vllm"]},
        {"generation_defaults": {"min_p": 0.05}},
        {},
        None,
    ),
    "min_p of the draft": ({}, {}, {"generation_defaults": {"min_p": 0.05}}, None),
    "a top_p that no request may have": (
        {},
        {"generation_defaults": {"top_p": 0.0, "temperature": 0.7}},
        {},
        "top_p 0.0, with which vLLM answers 400",
    ),
    "usual defaults": (
        {},
        {"generation_defaults": {"top_p": 0.95, "temperature": 0.6, "top_k": 20}},
        {},
        None,
    ),
    "a mapping's price": (MAPPED, ROWS, FEWER, "V1 runner"),
    "a P-EAGLE head drafting one by one": (
        EAGLE_3,
        {},
        {"kind": "PEagle", "architecture": "LlamaForCausalLMEagle3"},
        "one after the other",
    ),
    "a draft with a state": ({}, {}, {"hybrid": True}, "does not wind back"),
    "a target whose state takes any length": (
        {},
        {"hybrid": True, "model_type": "qwen3_next"},
        {},
        None,
    ),
    "a target of fixed K": (FIXED, {"hybrid": True, "model_type": "bamba"}, {}, None),
    "a live K between multiples of the layers": (
        also(MTP, {"speculation.maxTokens": 7}),
        THREE,
        {},
        None,
    ),
    "a quantisation without a name": ({}, {"quantization": "unnamed"}, {}, "no quant_method"),
    "a kind that is not known": ({}, {}, {"kind": "Unknown"}, "not known"),
    "weights that a laptop lacks": ({}, {"uri": "models/t", "weights": "none"}, {}, "no weights"),
    "suffixes": (
        {"speculation.method": "Suffix", "speculation.constrainedOutput": "Allow"},
        {},
        {},
        "arctic-inference",
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_starts_and_is_not_what_one_expects_is_told(name: str) -> None:
    changes, target, draft, expected = TOLD[name]
    judgement = judge(changes, target, draft)
    assert judgement.allowed, judgement.reasons
    assert [expected in str(each) for each in judgement.warnings if expected] == (
        [True] if expected else []
    )
    assert expected is not None or not judgement.warnings


@pytest.mark.parametrize(
    ("changes", "target", "draft"),
    [
        (MTP, {"model_type": "brand_new", "mtp_layers": 1}, {}),
        ({}, {"quantization": "brand_new"}, {}),
        (EAGLE_3, {}, {"kind": "Eagle3", "architecture": "Eagle3BrandNewForCausalLM"}),
    ],
)
def test_what_a_later_release_may_know_is_told_and_not_refused(
    changes: Object, target: Object, draft: Object
) -> None:
    assert not judge(changes, target, draft).allowed
    later = judge({**changes, "engine.image": LATER}, target, draft)
    assert later.allowed
    assert any("as of 0.32" in each for each in later.reasons)


@pytest.mark.parametrize(
    ("image", "later"),
    [
        ("vllm/vllm-openai:v0.32.0", False),
        ("vllm/vllm-openai:v0.33.0", True),
        ("vllm/vllm-openai:v1.0.0-cu130@sha256:" + "0a" * 32, True),
        ("registry:5000/vllm:0.31.2", False),
        ("registry:5000/vllm@sha256:" + "0a" * 32, False),
        ("vllm/vllm-openai:nightly", False),
    ],
)
def test_a_later_release_is_known_by_its_tag(image: str, later: bool) -> None:
    assert pair_view.is_later_release(builders.spec({"engine.image": image})) is later


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("32768", 32_768), ("32k", 32_000), ("32K", 32_768), ("1.5m", 1_500_000), ("auto", None)],
)
def test_lengths_are_read_as_vllm_reads_them(text: str, tokens: int | None) -> None:
    assert pair_view.length(text) == tokens


def test_every_rule_has_a_name_that_reads_as_the_specification() -> None:
    assert len({*pair_rules.RULES.values()}) == len(pair_rules.RULES)


SPEC_REFUSED: dict[str, tuple[Object, str]] = {
    "a draft on two of four devices": (
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 2},
        "spec.speculation.draftTensorParallel",
    ),
    "an unknown key": (
        {"speculation.engineConfig": {"acceptance_method": "typical"}},
        "spec.speculation.engineConfig.acceptance_method",
    ),
    "the operator's key, with dashes": (
        {"speculation.engineConfig": {"num-speculative-tokens": 3}},
        "spec.speculation.engineConfig.num-speculative-tokens",
    ),
    "a value of another form": (
        {"speculation.engineConfig": {"max_model_len": 0}},
        "spec.speculation.engineConfig.max_model_len",
    ),
    "a value that is none of the choices": (
        {"speculation.engineConfig": {"draft_sample_method": "warm"}},
        "spec.speculation.engineConfig.draft_sample_method",
    ),
    "MTP's key elsewhere": (
        {"speculation.engineConfig": {"index_share_for_mtp_iteration": True}},
        "spec.speculation.engineConfig.index_share_for_mtp_iteration",
    ),
    "two keys that exclude each other": (
        {
            "speculation.engineConfig": {
                "use_local_argmax_reduction": True,
                "draft_sample_method": "probabilistic",
            }
        },
        "spec.speculation.engineConfig.use_local_argmax_reduction",
    ),
}


@pytest.mark.parametrize("name", SPEC_REFUSED)
def test_what_no_model_could_mend_is_refused_before_any_is_looked_at(name: str) -> None:
    changes, field = SPEC_REFUSED[name]
    assert [each.field for each in DRIVER.validate(builders.spec(changes))] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 4},
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 1},
        {"speculation.engineConfig": {"disable-padded-drafter-batch": True}},
        {"speculation.engineConfig": {"quantization": None, "moe_backend": "triton"}},
        {"speculation.engineConfig": {"brand_new": 1}, "engine.image": LATER},
        {"engine.args": ["--tokenizer-mode", "deepseek_v4"]},
    ],
)
def test_its_neighbours_are_not(changes: Object) -> None:
    assert DRIVER.validate(builders.spec(changes)) == ()


def test_the_tokenizer_of_another_model_has_a_remedy_that_exists() -> None:
    (refusal,) = DRIVER.validate(builders.spec({"engine.args": ["--tokenizer=acme/other"]}))
    assert "beside the target's weights" in refusal.remedy
