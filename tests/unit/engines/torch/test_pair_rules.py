"""Which pairs the torch engine computes, how long their texts may be, and what memory they need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.engines.torch import DRIVER
from tandem_runtime.contract import model_facts
from tandem_runtime.contract.engines import torch_engine
from tandem_runtime.contract.model_facts import ModelFacts
from tandem_runtime.contract.report import PairReport, SideReport
from tandem_runtime.engine.transformer import model_config
from tandem_runtime.lock.model import facts
from tandem_runtime.lock.verdict.inspect import Side
from tests.unit.engines.torch.torch_engine import spec


def report(target: dict[str, Any], draft: dict[str, Any] | None = None) -> PairReport:
    draft_side = None if draft is None else SideReport("hf://org/draft", **draft)
    return PairReport(
        "Compatible", "Equal", True, "", SideReport("hf://org/target", **target), draft_side
    )


@pytest.mark.parametrize("architecture", [*torch_engine.ARCHITECTURES, None])
def test_architectures_that_it_computes_are_allowed(architecture: str | None) -> None:
    facts = ModelFacts(weights="safetensors")
    pair = report({"architecture": architecture, "facts": facts}, {"architecture": architecture})

    assert DRIVER.validate_pair(spec(), pair).allowed


@pytest.mark.parametrize(
    ("target", "draft", "expected"),
    [
        ({"architecture": "MixtralForCausalLM"}, {}, "MixtralForCausalLM"),
        ({}, {"architecture": "GPT2LMHeadModel"}, "GPT2LMHeadModel"),
        ({"facts": ModelFacts(weights="gguf")}, {}, "gguf"),
        ({"facts": ModelFacts(quantization="awq")}, {}, "awq"),
        ({"facts": ModelFacts(rope_type="dynamic")}, {}, "dynamic"),
        ({}, {"facts": ModelFacts(rope_type="longrope")}, "longrope"),
        ({"facts": ModelFacts(rotary_share=0.25)}, {}, "0.25"),
        ({"facts": ModelFacts(activation="gelu")}, {}, "gelu"),
        ({"facts": ModelFacts(sliding_window=4096, context_length=32768)}, {}, "4096 or less"),
        ({"config_vocab_size": 100}, {"config_vocab_size": 101}, "101"),
    ],
)
def test_a_pair_that_it_cannot_compute_is_refused_with_its_name(
    target: Any, draft: Any, expected: str
) -> None:
    validation = DRIVER.validate_pair(spec(), report(target, draft))

    assert len(validation.refusals) == 1
    assert expected in str(validation.refusals[0])


def test_a_context_longer_than_the_models_is_refused() -> None:
    longer = spec(engine={"type": "Torch", "args": ["--max-model-len=4096"]})
    pair = report({"facts": ModelFacts(context_length=2048)}, {})

    assert not DRIVER.validate_pair(longer, pair).allowed
    assert DRIVER.validate_pair(spec(), pair).allowed


def test_a_context_that_follows_from_the_target_and_that_the_draft_lacks_is_refused() -> None:
    pair = report(
        {"facts": ModelFacts(context_length=4096)}, {"facts": ModelFacts(context_length=2048)}
    )
    shorter = spec(engine={"type": "Torch", "args": ["--max-model-len=2048"]})

    (error,) = DRIVER.validate_pair(spec(), pair).refusals
    assert error.remedy == "set --max-model-len=2048 or less"
    assert DRIVER.validate_pair(shorter, pair).allowed


@pytest.mark.parametrize("length", [4096, 1024])
def test_texts_that_end_within_the_window_are_served(length: int) -> None:
    within = spec(engine={"type": "Torch", "args": ["--max-model-len", str(length)]})
    pair = report({"facts": ModelFacts(sliding_window=4096, context_length=32768)}, {})

    assert DRIVER.validate_pair(within, pair).allowed


LLAMA_8B = {
    "parameters": 8_030_261_248,
    "dtype": "BF16",
    "facts": ModelFacts(context_length=131_072, kv_values_per_token=65_536),
}


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        ([], False),
        (["--max-model-len=4096"], True),
        (["--max-model-len=4112"], False),
        (["--dtype=bfloat16", "--max-model-len=8192"], True),
        (["--dtype=bfloat16", "--max-model-len=8208"], False),
        (["--kv-cache-mib=32768"], True),
        (["--kv-cache-mib=32767"], False),
        (["--kv-cache-mib", "$(MIB)"], True),
        (["--dtype", "$(DTYPE)"], True),
    ],
)
def test_the_cache_must_hold_one_text_of_the_greatest_length(
    arguments: list[str], allowed: bool
) -> None:
    refusals = DRIVER.validate_pair(
        spec(speculation__method="NGram", engine={"type": "Torch", "args": arguments}),
        report(LLAMA_8B),
    )

    assert refusals.allowed is allowed
    assert {each.reason for each in refusals.refusals} <= {StalledReason.INSUFFICIENT_MEMORY}
    assert all("--kv-cache-mib=" in each.remedy for each in refusals.refusals)


@pytest.mark.parametrize(
    ("arguments", "weight_bytes"),
    [([], 4 * 8_030_261_248), (["--dtype=bfloat16"], 2 * 8_030_261_248)],
)
def test_a_device_holds_weights_as_the_engine_keeps_them_and_the_whole_cache(
    arguments: list[str], weight_bytes: int
) -> None:
    engine = {"type": "Torch", "args": [*arguments, "--kv-cache-mib=2048"]}

    need = DRIVER.validate_pair(spec(engine=engine), report(LLAMA_8B)).device

    assert need is not None
    assert need.parts == {"target": weight_bytes, "KV cache (--kv-cache-mib)": 2 << 30}


BASE = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 256,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 512,
}
MISTRAL = {"architectures": ["MistralForCausalLM"], "model_type": "mistral"}
QWEN = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}
FULL, SLIDING = "full_attention", "sliding_attention"


@pytest.mark.parametrize(
    ("changes", "served"),
    [
        ({}, True),
        ({"hidden_act": "silu"}, True),
        ({"hidden_act": "relu"}, False),
        ({"rope_scaling": None}, True),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, True),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, False),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 2.0, "rope_theta": 1e6}}, True),
        ({"rope_parameters": {"rope_type": "proportional"}}, False),
        ({"rope_parameters": {FULL: {"rope_type": "default", "rope_theta": 5e5}}}, True),
        (
            {
                "rope_parameters": {
                    FULL: {"rope_type": "default", "rope_theta": 1e6},
                    SLIDING: {"rope_type": "default", "rope_theta": 1e4},
                }
            },
            False,
        ),
        ({"partial_rotary_factor": 0.5}, False),
        ({"partial_rotary_factor": 1}, True),
        ({"rope_parameters": {"partial_rotary_factor": 0.5, "rope_theta": 1e4}}, False),
        ({"quantization_config": {"quant_method": "awq"}}, False),
        ({**MISTRAL, "sliding_window": None}, True),
        ({**MISTRAL, "sliding_window": 256}, False),
        ({**MISTRAL, "sliding_window": 512}, True),
        ({**QWEN, "sliding_window": 256, "use_sliding_window": False}, True),
        ({**QWEN, "sliding_window": 256}, True),
        ({**QWEN, "sliding_window": 256, "use_sliding_window": True}, False),
        (
            {
                **QWEN,
                "sliding_window": 256,
                "use_sliding_window": True,
                "layer_types": [FULL, FULL],
            },
            True,
        ),
        ({"sliding_window": 256}, True),
        ({"architectures": ["PhiForCausalLM"]}, False),
    ],
)
def test_what_the_engine_would_refuse_is_refused_before_a_pod_is_made(
    tmp_path: Path, changes: dict[str, Any], served: bool
) -> None:
    config = {**BASE, **changes}
    (tmp_path / "config.json").write_text(json.dumps(config))
    pair = report({"architecture": config["architectures"][0], "facts": facts_of(config)})

    validation = DRIVER.validate_pair(spec(speculation__method="NGram"), pair)

    assert validation.allowed is served, validation.reasons
    assert engine_serves(tmp_path) is served


def facts_of(config: dict[str, Any]) -> ModelFacts:
    """As the lock tells it; through JSON, as the operator reads it."""
    facts_in_config = facts.of(Side(config=config))
    return model_facts.from_document(
        json.loads(json.dumps(model_facts.to_document(facts_in_config)))
    )


def engine_serves(folder: Path) -> bool:
    """Whether the engine would start, as far as config.json decides it."""
    try:
        read = model_config.read(folder)
    except model_config.UnsupportedModelError:
        return False
    return read.sliding_window is None or read.sliding_window >= read.max_positions
