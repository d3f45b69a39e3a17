"""What vLLM starts although it is not what one expects, and what a later release may know."""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm import pair_view
from tests.unit.engines import builders
from tests.unit.engines.vllm.pairs import (
    EAGLE_3,
    FEWER,
    FIXED,
    LATER,
    MAPPED,
    MTP,
    ROWS,
    THREE,
    Object,
    also,
    validate,
)

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
    validation = validate(changes, target, draft)
    assert validation.allowed, validation.reasons
    assert [expected in str(each) for each in validation.warnings if expected] == (
        [True] if expected else []
    )
    assert expected is not None or not validation.warnings


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
    assert not validate(changes, target, draft).allowed
    later = validate({**changes, "engine.image": LATER}, target, draft)
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
