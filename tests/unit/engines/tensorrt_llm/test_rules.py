"""What TensorRT-LLM refuses, and what stays allowed beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Method
from tandem_operator.engines import registry
from tandem_operator.engines.tensorrt_llm import DRIVER
from tandem_operator.engines.tensorrt_llm.methods import LACKING, METHODS
from tests.unit.engines import builders
from tests.unit.engines.tensorrt_llm.parts import TAKEN, refused_fields

OPTIONS = json.loads((Path(__file__).parent / "trtllm_serve_options.json").read_text())


@pytest.mark.parametrize("method", LACKING)
def test_a_method_that_it_lacks_is_refused_with_the_reason(method: Method) -> None:
    changes: dict[str, Any] = {"speculation.method": method.value}
    if method is Method.LAYER_SKIP:
        changes["speculation.layerSkip"] = {"exitLayer": 2}

    assert refused_fields(changes) == [("UnsupportedCombination", "spec.speculation.method")]


def test_every_method_is_taken_or_refused() -> None:
    assert set(METHODS) | set(LACKING) == set(Method)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"speculation.constrainedOutput": "Bypass"}, "spec.speculation.constrainedOutput"),
        ({"tuning.mode": "Auto"}, "spec.tuning.mode"),
        ({"tuning.maxTokens": 0}, "spec.tuning.maxTokens"),
        ({"speculation.initialTokens": 0}, "spec.speculation.initialTokens"),
        ({"tuning.thresholds": {"maxConcurrency": 8}}, "spec.tuning.thresholds.maxConcurrency"),
        ({"tuning.minTokens": 1}, "spec.tuning.minTokens"),
        (
            {"tuning.objective": {"timePerOutputTokenMs": 40}},
            "spec.tuning.objective.timePerOutputTokenMs",
        ),
        ({"tuning.segments": [{"name": "a", "maxTokens": 1}]}, "spec.tuning.segments"),
        ({"tuning.offMode": "Redeploy"}, "spec.tuning.offMode"),
        ({"tuning.onDecay": "Redeploy"}, "spec.tuning.onDecay"),
        ({"parallelism.data": 2}, "spec.parallelism.data"),
        ({"parallelism.tensor": 2, "accelerator.count": 1}, "spec.accelerator.count"),
        ({"accelerator.resource": "None"}, "spec.accelerator.resource"),
        ({"speculation.draftTensorParallel": 2}, "spec.speculation.draftTensorParallel"),
        (
            {"speculation.method": "MTP", "draft": {"uri": "hf://org/draft"}},
            "spec.draft",
        ),
        (
            {"speculation.method": "NGram", "speculation.nGram": {"minLookup": 2}},
            "spec.speculation.nGram.minLookup",
        ),
    ],
)
def test_what_it_cannot_do_is_refused_at_its_field(changes: dict[str, Any], field: str) -> None:
    assert refused_fields(changes) == [("UnsupportedCombination", field)]


@pytest.mark.parametrize(
    "changes",
    [
        {"tuning.maxTokens": 7},
        {"tuning.mode": "Observe"},
        {"tuning.onDecay": "Restart"},
        {"speculation.initialTokens": 5},
        {"speculation.method": "NGram", "tuning.thresholds": {"maxConcurrency": 8}},
        {"speculation.method": "NGram", "speculation.nGram": {"maxLookup": 4}},
        {"parallelism.tensor": 2, "speculation.draftTensorParallel": 2},
        {"speculation.engineConfig": {"acceptance_rate_window_size": 50}},
        {"engine.args": ["--log_level=debug", "--reasoning_parser", "qwen3"]},
        {"engine.args": ["--max_seq_len=$(LENGTH)"]},
        {"engine.env": [{"name": "TRTLLM_ENABLE_PDL", "value": "1"}]},
        {"engine.image": "nvcr.io/nvidia/tritonserver:26.10-trtllm-python-py3"},
        {"engine.image": "registry.example/mine:0.1"},
    ],
)
def test_what_it_can_do_stays_allowed(changes: dict[str, Any]) -> None:
    assert refused_fields(changes) == []


@pytest.mark.parametrize(
    "argument",
    [
        "--config=a", "--extra_llm_api_options=a", "--extra-llm-api-options=a", "--tokenizer=x",
        "--served_model_name=x", "--host=::", "--port=1", "--grpc", "--backend=pytorch",
        "--hf_revision=main", "--tp_size=2", "--pipeline_parallel_size=2", "--trust_remote_code",
        "$(ANY)",
    ],
)  # fmt: skip
def test_an_option_that_the_operator_sets_is_refused(argument: str) -> None:
    assert refused_fields({"engine.args": [argument]}) == [
        ("InvalidArguments", "spec.engine.args[0]")
    ]


@pytest.mark.parametrize("option", OPTIONS["options"])
@pytest.mark.parametrize("spelled", [str, lambda name: "--" + name[2:].replace("_", "-")])
def test_each_option_of_trtllm_serve_is_the_operators_or_the_users(
    option: str, spelled: Callable[[str], str]
) -> None:
    fields = refused_fields({"engine.args": [f"{spelled(option)}=1"]})

    assert bool(fields) == (option in OPTIONS["the_operators"]), fields


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        (["--max_seq_len=4096", "--log_level=debug"], ["spec.engine.args[1]"]),
        (["--max_seq_len=many"], ["spec.engine.args[0]"]),
        (["--max_seq_len=$(LENGTH)"], ["spec.engine.args[0]"]),
        (["--port=1"], ["spec.engine.args[0]"]),
        (["--enable_chunked_prefill", "--max-batch-size", "8"], []),
    ],
)
def test_triton_takes_what_is_a_key_of_the_llm_api(arguments: list[str], fields: list[str]) -> None:
    refused_keys = refused_fields({"engine.server": "Triton", "engine.args": arguments})

    assert refused_keys == [("InvalidArguments", field) for field in fields]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("max_draft_len", 3, "maxTokens"),
        ("draft_len_schedule", {"4": 4}, "table"),
        ("use_relaxed_acceptance_for_thinking", True, "does not confirm"),
        ("use_dynamic_tree", True, "one line"),
        ("is_keep_all", True, "use one of"),
        ("acceptance_rate_window_size", "many", "integer"),
    ],
)
def test_a_key_of_the_speculative_configuration_is_judged(
    key: str, value: Any, expected: str
) -> None:
    (error,) = DRIVER.validate(builders.spec({**TAKEN, "speculation.engineConfig": {key: value}}))

    assert error.reason is StalledReason.INVALID_ARGUMENTS
    assert error.field == f"spec.speculation.engineConfig.{key}"
    assert expected in f"{error.message}; {error.remedy}"


@pytest.mark.parametrize(
    ("keys", "stops"),
    [
        ({"acceptance_rate_window_size": 50, "acceptance_rate_threshold": 0.3}, True),
        ({"acceptance_window": 50, "acceptance_length_threshold": 0}, True),
        ({"acceptance_rate_window_size": 0, "acceptance_rate_threshold": 0.3}, False),
        ({"acceptance_rate_window_size": 50}, False),
        ({}, False),
    ],
)
def test_the_engines_own_gate_is_known(keys: dict[str, Any], stops: bool) -> None:
    asked = builders.spec({**TAKEN, "speculation.engineConfig": keys})

    assert DRIVER.validate(asked) == ()
    assert registry.may_stop_drafting(asked) is stops
    assert not registry.may_stop_drafting(builders.spec())


def test_a_gate_that_nobody_could_see_closed_is_refused() -> None:
    (error,) = DRIVER.validate(
        builders.spec({
            **TAKEN,
            "speculation.method": "NGram",
            "speculation.engineConfig": {"acceptance_rate_window_size": 50},
        })
    )  # fmt: skip

    assert "nothing repeats" in error.message


@pytest.mark.parametrize("tag", ["1.2.1", "v1.0.0", "0.21.0rc2"])
def test_a_release_before_its_page_told_of_requests_is_refused(tag: str) -> None:
    image = f"nvcr.io/nvidia/tensorrt-llm/release:{tag}"

    assert refused_fields({"engine.image": image}) == [("UnsupportedEngine", "spec.engine.image")]


@pytest.mark.parametrize(
    ("target", "draft", "field"),
    [
        ({"weights": "gguf"}, {}, "spec.target.uri"),
        ({}, {"weights": "none"}, "spec.draft.uri"),
        ({"attention_heads": 9}, {}, "spec.parallelism.tensor"),
        ({"config_vocab_size": 100}, {"config_vocab_size": 101}, "spec.draft.uri"),
    ],
)
def test_a_pair_that_it_does_not_start_is_refused(
    target: dict[str, Any], draft: dict[str, Any], field: str
) -> None:
    asked = builders.spec({**TAKEN, "parallelism.tensor": 2})
    judged = DRIVER.validate_pair(asked, builders.report(target, draft))

    assert [each.field for each in judged.refusals] == [field]
    assert DRIVER.validate_pair(asked, builders.report()).allowed
    good = builders.report(
        {"weights": "safetensors", "attention_heads": 8, "config_vocab_size": 101},
        {"weights": "pickle", "attention_heads": 4, "config_vocab_size": 100},
    )
    assert DRIVER.validate_pair(asked, good).allowed
