"""vLLM's rules of a pair: what each refuses or tells (neighbours: test_vllm_pair_starts.py)."""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm import pair_view
from tandem_operator.engines.vllm.rules import pair as pair_rules
from tests.unit.engines.vllm.pairs import (
    DFLASH,
    DSPARK,
    EAGLE,
    EAGLE_3,
    FEWER,
    FIXED,
    HEAD,
    HEAD_3,
    MAPPED,
    MEDUSA,
    MTP,
    ROWS,
    SPECULATOR,
    THREE,
    Object,
    also,
    validate,
)

FIXED_V1 = {"tuning.mode": "Fixed", "speculation.constrainedOutput": "Allow"}
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
    "a DFlash head without a class": (
        DFLASH,
        {},
        {"kind": "DFlash", "architecture": "DFlashLlamaForCausalLM"},
        "looks for a class DFlashLlamaForCausalLM",
    ),
    "a DSpark head without a class": (
        DSPARK,
        {},
        {"kind": "DSpark", "architecture": "LlamaDSparkModel"},
        "has none",
    ),
    "a head without weights and without a class": (
        EAGLE,
        {},
        {"kind": None, "architecture": "Qwen2ForCausalLM"},
        "looks for a class EagleQwen2ForCausalLM",
    ),
    "a quantisation that is none": (
        {"engine.args": ["-q", "gguf"]},
        {},
        {},
        "knows no such quantisation",
    ),
    "a short option's, that is not stored": (
        {"engine.args": ["-q=awq"]},
        {},
        {},
        "not stored as awq",
    ),
    "an abbreviated length beyond the target's": (
        {"engine.args": ["--max-mod=5000"]},
        {"context_length": 4096},
        {},
        "allows 4096 tokens",
    ),
    "a draft's length in a string": (
        {"speculation.engineConfig": {"max_model_len": "4096"}},
        {},
        {"context_length": 2048},
        "allows 2048 tokens",
    ),
    "a mapping that is off": (
        {"speculation.engineConfig": {"use_heterogeneous_vocab": "no"}},
        ROWS,
        FEWER,
        "152064 rows",
    ),
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
    "a longer length, by a word that allows nothing": (
        {
            "engine.args": ["--max-model-len=64k"],
            "engine.env": [{"name": "VLLM_ALLOW_LONG_MAX_MODEL_LEN", "value": "yes"}],
        },
        {"context_length": 40_960},
        {},
        "allows 40960",
    ),
    "a part of a prompt that is longer than all": (
        {"engine.args": ["--long-prefill-token-threshold=50000"]},
        {"context_length": 40_960},
        {},
        "the target serves 40960",
    ),
    "whole prompts in too small a step": (
        {"engine.args": ["--no-enable-chunked-prefill", "--max-num-batched-tokens=8k"]},
        {"context_length": 40_960},
        {},
        "takes whole prompts",
    ),
    "float16 of Gemma 3": (
        {"engine.args": ["--dtype=half"]},
        {"model_type": "gemma3", "text_type": "gemma3_text"},
        {},
        "in float16",
    ),
    "a rotary embedding that nobody has": (
        {},
        {},
        {"rope_type": "spiral"},
        "no rotary embedding of type spiral",
    ),
    "candidates in V1": (
        also(DFLASH, {"engine.modelRunner": "V1"}, FIXED_V1),
        {},
        {"kind": "DFlash", "speculators": "dflash2"},
        "in model runner V2 alone",
    ),
    "candidates on a CPU": (
        also(DFLASH, {"accelerator.resource": "None"}, FIXED_V1),
        {},
        {"kind": "DFlash", "architecture": "LiLiCorrDraftModel"},
        "in model runner V2 alone",
    ),
    "keys and values of the target": (
        {"parallelism.tensor": 3},
        {"attention_heads": 24, "kv_heads": 8},
        {},
        "the target has 8 heads of keys and values",
    ),
    "the MLP of the draft": (
        {"parallelism.tensor": 3},
        {"attention_heads": 24, "kv_heads": 3},
        {"attention_heads": 12, "kv_heads": 3, "intermediate_size": 8960},
        "the draft has an MLP of 8960",
    ),
    "rows of the target": (
        {"parallelism.tensor": 3},
        {"attention_heads": 24, "config_vocab_size": 151_936},
        {"attention_heads": 24, "config_vocab_size": 151_936},
        "the target has 151936 rows",
    ),
    "experts of a dense model": (
        {"engine.args": ["--enable-expert-parallel"]},
        {"architecture": "Qwen3ForCausalLM"},
        {},
        "no mixture of experts",
    ),
    "an EAGLE-3 head for a target without inner states": (
        EAGLE_3,
        {"architecture": "MixtralForCausalLM"},
        HEAD_3,
        "gives Eagle3 heads no states of its layers",
    ),
    "heads of the draft": ({"parallelism.tensor": 4}, {}, {"attention_heads": 14}, "draft has 14"),
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
    validation = validate(changes, target, draft)
    assert not validation.allowed
    assert any(expected in each.message for each in validation.refusals), validation.reasons
    assert all(each.field.startswith("spec.") and each.remedy for each in validation.refusals)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("32768", 32_768), ("32k", 32_000), ("32K", 32_768), ("1.5m", 1_500_000), ("auto", None)],
)
def test_lengths_are_read_as_vllm_reads_them(text: str, tokens: int | None) -> None:
    assert pair_view.length(text) == tokens


def test_every_rule_has_a_name_that_reads_as_the_specification() -> None:
    assert len({*pair_rules.RULES.values()}) == len(pair_rules.RULES)
