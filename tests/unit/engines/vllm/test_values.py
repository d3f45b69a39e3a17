"""Values of vLLM's options with which it would not start, or generate nothing."""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm import DRIVER
from tests.unit.engines import builders


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
    ],
)
def test_what_vllm_takes_stays_allowed(arguments: list[str]) -> None:
    assert DRIVER.validate(builders.spec({"engine.args": arguments})) == ()


@pytest.mark.parametrize("argument", ["--help", "-h", "--help=ModelConfig"])
def test_an_engine_that_would_print_its_options_and_end_is_refused(argument: str) -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.args": [argument]}))

    assert "print its options" in error.remedy
