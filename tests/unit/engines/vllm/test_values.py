"""Values of vLLM's options with which it would not start, or generate nothing."""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm import DRIVER
from tests.unit.engines import builders
from tests.unit.engines.vllm.pairs import LATER


@pytest.mark.parametrize(
    "arguments",
    [
        ["--max-num-seqs=0"],
        ["--max-num-seqs", "-1"],
        ["--max_num_batched_tokens=0"],
        ["--gpu-memory-utilization=2"],
        ["--gpu-memory-utilization", "0"],
        ["--runner=pooling"],
        ["--convert", "embed"],
        ["--reasoning-parser=qwen4"],
        ["--tool-call-parser=llama", "--enable-auto-tool-choice"],
        ["--max-logprobs=-5"],
        ["--decode-context-parallel-size", "2"],
    ],
)
def test_a_value_that_vllm_refuses_or_that_generates_nothing_is_refused(
    arguments: list[str],
) -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.args": arguments}))

    option = arguments[0].partition("=")[0].replace("_", "-")
    assert error.field == "spec.engine.args"
    assert error.value.startswith(f"{option}=")
    assert error.remedy


@pytest.mark.parametrize(
    "arguments",
    [
        ["--max-num-seqs=1", "--max-num-batched-tokens=8k"],
        ["--gpu-memory-utilization=1", "--max-num-seqs=256"],
        ["--gpu-memory-utilization=0.05"],
        ["--gpu-memory-utilization=$(SHARE)", "--runner=$(RUNNER)"],
        ["--runner=generate", "--convert=none"],
        ["--runner", "auto", "--convert", "auto"],
        ["--max-num-seqs=0", "--max-num-seqs=8"],
        ["--reasoning-parser=qwen3", "--max-logprobs=-1", "-O3"],
        ["--reasoning-parser=mine", "--reasoning-parser-plugin=/plugins/mine.py"],
        ["--tool-call-parser=llama3_json", "--enable-auto-tool-choice"],
        ["--tool-call-parser=mine", "--tool-parser-plugin=/m.py", "--enable-auto-tool-choice"],
        ["--tool-call-parser=unused"],
        ["--decode-context-parallel-size=1", "--no-enable-eplb"],
    ],
)
def test_what_vllm_takes_stays_allowed(arguments: list[str]) -> None:
    assert DRIVER.validate(builders.spec({"engine.args": arguments})) == ()


@pytest.mark.parametrize("argument", ["--help", "-h", "--help=ModelConfig"])
def test_an_engine_that_would_print_its_options_and_end_is_refused(argument: str) -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.args": [argument]}))

    assert "print its options" in error.remedy


@pytest.mark.parametrize(
    ("arguments", "value"),
    [
        (["-O9"], "--optimization-level=9"),
        (["--enable-eplb"], "--enable-eplb"),
        (["--enable-eplb", "--enable-expert-parallel"], "--enable-eplb"),
    ],
)
def test_so_is_an_option_that_others_rule_out(arguments: list[str], value: str) -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.args": arguments}))
    assert (error.field, error.value) == ("spec.engine.args", value)
    assert error.remedy


def test_a_later_release_may_have_other_parsers() -> None:
    changes = {"engine.args": ["--reasoning-parser=qwen4"], "engine.image": LATER}
    assert DRIVER.validate(builders.spec(changes)) == ()


KEYS = "speculation.engineConfig"


@pytest.mark.parametrize(
    "config",
    [
        {"attention_backend": "FLASHINFERX"},
        {"kv_cache_dtype": "fp9"},
        {"moe_backend": "Triton"},
        {"attention_backend": 1},
    ],
)
def test_a_key_names_one_of_what_vllm_has(config: dict[str, object]) -> None:
    (error,) = DRIVER.validate(builders.spec({KEYS: config}))
    assert error.field == f"spec.{KEYS}.{next(iter(config))}"


@pytest.mark.parametrize(
    "config",
    [
        {"attention_backend": "flash_attn", "kv_cache_dtype": "fp8", "moe_backend": "triton"},
        {"attention_backend": "auto", "kv_cache_dtype": "auto"},
        {"attention_backend": None, "kv_cache_dtype": None, "moe_backend": None},
    ],
)
def test_what_vllm_has_is_taken(config: dict[str, object]) -> None:
    assert DRIVER.validate(builders.spec({KEYS: config})) == ()


def of_env(name: str, value: str, image: str | None = None) -> dict[str, object]:
    changes: dict[str, object] = {"engine.env": [{"name": name, "value": value}]}
    return changes if image is None else changes | {"engine.image": image}


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("VLLM_ENGINE_READY_TIMEOUT_S", "10s", "an integer"),
        ("VLLM_LOG_STATS_INTERVAL", "often", "a number"),
        ("VLLM_WORKER_MULTIPROC_METHOD", "forkserver", "one of spawn, fork"),
        ("VLLM_CPU_KVCACHE_SPACE", "4GB", "an integer"),
    ],
)
def test_a_variable_that_ends_the_engine_is_refused(name: str, value: str, wanted: str) -> None:
    (error,) = DRIVER.validate(builders.spec(of_env(name, value)))
    assert (error.field, error.value) == ("spec.engine.env[0].value", value)
    assert error.message.endswith(f"{name} is {wanted}")
    later = builders.spec(of_env(name, value, LATER))
    assert DRIVER.validate(later) == ()
    (told,) = DRIVER.warn(later)
    assert wanted in told.message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VLLM_ENGINE_READY_TIMEOUT_S", "10000"),
        ("VLLM_LOG_STATS_INTERVAL", "2.5"),
        ("VLLM_WORKER_MULTIPROC_METHOD", "spawn"),
        ("VLLM_FLOAT32_MATMUL_PRECISION", "HIGH"),
        ("VLLM_ENGINE_READY_TIMEOUT_S", "$(TIMEOUT)"),
        ("VLLM_ALLOW_LONG_MAX_MODEL_LEN", "yes"),
        ("MY_OWN", "anything"),
    ],
)
def test_what_vllm_reads_is_taken(name: str, value: str) -> None:
    spec = builders.spec(of_env(name, value))
    assert DRIVER.validate(spec) == ()
    assert DRIVER.warn(spec) == ()


@pytest.mark.parametrize("name", ["VLLM_USE_V1", "VLLM_ATTENTION_BACKEND"])
def test_a_variable_that_is_gone_is_told(name: str) -> None:
    spec = builders.spec(of_env(name, "1"))
    assert DRIVER.validate(spec) == ()
    (told,) = DRIVER.warn(spec)
    assert "has no effect" in told.message
    assert DRIVER.warn(builders.spec(of_env(name, "1", LATER))) == ()
