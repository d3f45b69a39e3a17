"""Beside each rule of a pair its nearest neighbour: a pair that vLLM starts."""

from __future__ import annotations

import pytest

from tandem_runtime.contract.report import MixtureOfExperts
from tests.unit.engines.vllm.pairs import (
    DFLASH,
    DSPARK,
    EAGLE,
    EAGLE_3,
    FEWER,
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
    "other rows, mapped in another spelling": (
        {"speculation.engineConfig": {"use_heterogeneous_vocab": "yes"}},
        ROWS,
        FEWER,
    ),
    "a DFlash head": (DFLASH, {}, {"kind": "DFlash", "architecture": "DFlashDraftModel"}),
    "a DFlash head of the speculators library": (
        DFLASH,
        {},
        {"kind": "DFlash", "speculators": "dflash", "text_type": "gemma3_text"},
    ),
    "a DSpark head": (DSPARK, {}, {"kind": "DSpark", "architecture": "Qwen3DSparkModel"}),
    "DSpark stages of the target's own": (
        DSPARK,
        {"model_type": "deepseek_v4"},
        {"kind": "DSpark", "architecture": "DeepseekV4ForCausalLM"},
    ),
    "a head without weights": (EAGLE, {}, {"kind": None, "architecture": "LlamaForCausalLM"}),
    "a quantisation that is left open": ({"engine.args": ["-q", "None"]}, {}, {}),
    "a length to which LongRoPE stretches": (
        {"engine.args": ["--max-model-len=131072"]},
        {"context_length": 4096, "rope_type": "longrope"},
        {},
    ),
    "other rows under a head": (EAGLE_3, ROWS, also(HEAD_3, FEWER)),
    "a draft on one device of four": (
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 1},
        {"attention_heads": 40},
        {"attention_heads": 14},
    ),
    "whole prompts in a step of the served length": (
        {
            "engine.args": [
                "--no-enable-chunked-prefill",
                "--max-num-batched-tokens=8192",
                "--max-model-len=8192",
                "--long-prefill-token-threshold=8192",
                "--dtype=half",
            ]
        },
        {"context_length": 40_960, "model_type": "qwen3"},
        {},
    ),
    "rotary embeddings by layer": ({}, {"rope_type": "by layer"}, {"rope_type": "llama3"}),
    "candidates in V2": (DFLASH, {}, {"kind": "DFlash", "speculators": "dflash2"}),
    "more devices than heads of keys and values": (
        {"parallelism.tensor": 8},
        {"attention_heads": 64, "kv_heads": 4, "intermediate_size": 29_568},
        {"attention_heads": 16, "kv_heads": 2, "config_vocab_size": 151_936},
    ),
    "rows that three devices share": (
        {"parallelism.tensor": 3},
        {"attention_heads": 24, "config_vocab_size": 128_256},
        {"attention_heads": 24, "config_vocab_size": 128_256},
    ),
    "an MLP of experts": (
        {"parallelism.tensor": 3, "engine.args": ["--enable-expert-parallel"]},
        {
            "architecture": "Qwen3MoeForCausalLM",
            "intermediate_size": 6145,
            "mixture_of_experts": MixtureOfExperts(128, 8),
        },
        {},
    ),
    "a target without inner states, in Transformers' class": (
        also(EAGLE_3, {"engine.args": ["--model-impl=transformers"]}),
        {"architecture": "MixtralForCausalLM"},
        HEAD_3,
    ),
    "an EAGLE head for a target without inner states": (
        EAGLE,
        {"architecture": "MixtralForCausalLM"},
        {"kind": "Eagle", "architecture": "LlamaForCausalLM"},
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
    validation = validate(changes, target, draft)
    assert validation.allowed, validation.reasons
