"""A command line that vLLM 0.32 does not read is told before a pod exists; what it reads passes.

The words were given to vLLM's own parser; `tests/engines/admission` holds the table equal to it.
"""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm import DRIVER, options
from tests.unit.engines import builders

REFUSED: dict[str, list[str]] = {
    "gone since long": ["--num-speculative-tokens", "3"],
    "gone with version 0": ["--swap-space", "4"],
    "renamed": ["--disable-log-requests"],
    "never was": ["--frobnicate=1"],
    "another case of letters": ["--MAX-NUM-SEQS=8"],
    "a dash of a word processor": ["\u2014max-num-seqs=8"],
    "a switch with a value behind it": ["--enable-prefix-caching", "true"],
    "a switch with a value": ["--enforce-eager=true"],
    "no value": ["--max-num-seqs"],
    "no number": ["--max-num-seqs=many"],
    "no value of its list": ["--dtype", "int8"],
    "no JSON": ["--override-generation-config", "min_p=0"],
    "no object": ["-cc", "0"],
    "an empty word": [""],
    "a length of nothing": ["--max-model-len", "0"],
    "an abbreviated length of nothing": ["--max-model-l=0"],
    "fewer tokens than requests in a step": ["--max-num-seqs=512", "--max-num-batched-tokens=256"],
    "tool calls without a parser": ["--enable-auto-tool-choice"],
}
READ: dict[str, list[str]] = {
    "underscores": ["--max_model_len", "4096"],
    "a beginning that is one option's": ["--max-model-l=4k"],
    "no length": ["--max-model-len", "-1"],
    "a length as the memory allows": ["--max-model-len=auto"],
    "sizes": ["--max-num-batched-tokens=8k", "--kv-cache-memory-bytes", "1G"],
    "a key of an object": ["--structured-outputs-config.backend", "xgrammar"],
    "a key of an object in one word": ["-cc.cudagraph_mode=NONE"],
    "levels": ["-O3", "-O", "2", "-O=1"],
    "short ones": ["-q", "fp8", "-dcp=1"],
    "twice": ["--seed=1", "--seed", "2"],
    "what a variable holds": ["--max-num-seqs=$(SEQUENCES)", "--dtype=$(DTYPE)"],
    "several words": ["--allowed-media-domains", "a.example", "b.example", "--seed=1"],
    "off": ["--no-enable-prefix-caching", "--no-async-scheduling"],
    "an object": ["--limit-mm-per-prompt", '{"image": 2}'],
    "tool calls": ["--enable-auto-tool-choice", "--tool-call-parser", "hermes"],
}


@pytest.mark.parametrize("name", REFUSED)
def test_words_that_end_the_engine_at_its_start(name: str) -> None:
    (refusal,) = DRIVER.validate(builders.spec({"engine.args": REFUSED[name]}))

    assert refusal.field == "spec.engine.args"
    assert refusal.message
    assert refusal.remedy


@pytest.mark.parametrize("name", READ)
def test_words_that_it_reads(name: str) -> None:
    assert DRIVER.validate(builders.spec({"engine.args": READ[name]})) == ()


@pytest.mark.parametrize(
    "image", ["vllm/vllm-openai:v0.33.0", "acme.example/engine:7", "vllm/vllm-openai:nightly"]
)
def test_another_image_may_read_them_so_they_are_told(image: str) -> None:
    spec = builders.spec({"engine.args": ["--frobnicate=1"], "engine.image": image})

    assert DRIVER.validate(spec) == ()
    (warning,) = DRIVER.warn(spec)
    assert "--frobnicate=1" in warning.message


def test_the_last_value_counts_however_it_is_spelled() -> None:
    words = ("--max-model-len=1024", "--max_model_l", "2048", "-q", "fp8", "-tp2")
    assert options.read(words[:-1]).values == {"max-model-len": "2048", "quantization": "fp8"}
    assert options.read(words).refusal == "unrecognized arguments: -tp2"
