"""vLLM's rules of a pair: what each refuses or tells, and its nearest neighbour that starts."""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm import pair_view
from tandem_operator.engines.vllm.rules import pair as pair_rules
from tests.unit.engines.vllm_pairs import (
    EAGLE_3,
    FEWER,
    FIXED,
    MAPPED,
    MTP,
    ROWS,
    THREE,
    Object,
    also,
    judge,
)

MEDUSA = {
    "speculation.method": "Medusa",
    "speculation.constrainedOutput": "Allow",
    "speculation.maxTokens": 5,
}
EAGLE = {"speculation.method": "Eagle"}
HEAD_3 = {"kind": "Eagle3", "architecture": "LlamaForCausalLMEagle3"}
HEAD = {"kind": "Eagle", "architecture": "EagleLlamaForCausalLM"}
SPECULATOR = {"kind": "Eagle3", "architecture": "ASpeculator", "speculators": "eagle3"}
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


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("32768", 32_768), ("32k", 32_000), ("32K", 32_768), ("1.5m", 1_500_000), ("auto", None)],
)
def test_lengths_are_read_as_vllm_reads_them(text: str, tokens: int | None) -> None:
    assert pair_view.length(text) == tokens


def test_every_rule_has_a_name_that_reads_as_the_specification() -> None:
    assert len({*pair_rules.RULES.values()}) == len(pair_rules.RULES)
