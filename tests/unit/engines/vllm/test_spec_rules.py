"""vLLM's rules of a spec that no model could mend, and their nearest neighbours."""

from __future__ import annotations

import pytest

from tandem_operator.engines.vllm import DRIVER
from tests.unit.engines import builders
from tests.unit.engines.vllm.pairs import LATER, Object, also

ADAPTIVE = {
    "speculation.engineConfig": {"enable_adaptive_verification": True},
    "tuning.mode": "Fixed",
    "speculation.constrainedOutput": "Allow",
}

SPEC_REFUSED: dict[str, tuple[Object, str]] = {
    "a draft on two of four devices": (
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 2},
        "spec.speculation.draftTensorParallel",
    ),
    "a draft model on one of four devices, in V1": (
        {
            "parallelism.tensor": 4,
            "speculation.draftTensorParallel": 1,
            "engine.modelRunner": "V1",
        },
        "spec.speculation.draftTensorParallel",
    ),
    "a mapped draft on fewer devices": (
        {
            "parallelism.tensor": 2,
            "speculation.draftTensorParallel": 1,
            "speculation.engineConfig": {"use_heterogeneous_vocab": True},
        },
        "spec.speculation.draftTensorParallel",
    ),
    "a draft model whose batch is not padded, in V1": (
        {
            "speculation.engineConfig": {"disable_padded_drafter_batch": True},
            "engine.modelRunner": "V1",
        },
        "spec.speculation.engineConfig.disable_padded_drafter_batch",
    ),
    "adaptive verification in V1": (
        also(ADAPTIVE, {"engine.modelRunner": "V1"}),
        "spec.speculation.engineConfig.enable_adaptive_verification",
    ),
    "adaptive verification without graphs": (
        also(ADAPTIVE, {"engine.args": ["--enforce-eager"]}),
        "spec.speculation.engineConfig.enable_adaptive_verification",
    ),
    "adaptive verification with adapters": (
        also(ADAPTIVE, {"engine.args": ["--enable-lora"]}),
        "spec.speculation.engineConfig.enable_adaptive_verification",
    ),
    "adaptive verification of a pipeline": (
        also(ADAPTIVE, {"parallelism.pipeline": 2}),
        "spec.speculation.engineConfig.enable_adaptive_verification",
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
    "asynchronous scheduling of n-grams": (
        {"speculation.method": "NGram", "engine.args": ["--async-scheduling"]},
        "spec.engine.args",
    ),
    "asynchronous scheduling without padded batches": (
        {
            "engine.args": ["--no-async-scheduling", "--async_scheduling"],
            "speculation.engineConfig": {"disable-padded-drafter-batch": True},
        },
        "spec.engine.args",
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
def test_what_no_model_could_mend_is_refused_before_any_is_inspected(name: str) -> None:
    changes, field = SPEC_REFUSED[name]
    assert [each.field for each in DRIVER.validate(builders.spec(changes))] == [field]


@pytest.mark.parametrize(
    "changes",
    [
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 4},
        {"parallelism.tensor": 4, "speculation.draftTensorParallel": 1},
        {
            "parallelism.tensor": 4,
            "speculation.draftTensorParallel": 4,
            "engine.modelRunner": "V1",
        },
        {
            "parallelism.tensor": 4,
            "speculation.draftTensorParallel": 1,
            "engine.modelRunner": "V1",
            "speculation.method": "Eagle3",
        },
        ADAPTIVE,
        also(ADAPTIVE, {"engine.args": ["--enforce-eager", "--no-enforce-eager"]}),
        {"speculation.engineConfig": {"disable_padded_drafter_batch": True}},
        {"speculation.engineConfig": {"disable-padded-drafter-batch": True}},
        {"speculation.engineConfig": {"quantization": None, "moe_backend": "triton"}},
        {"speculation.engineConfig": {"brand_new": 1}, "engine.image": LATER},
        {"engine.args": ["--tokenizer-mode", "deepseek_v4"]},
        {"engine.args": ["--async-scheduling"]},
        {"speculation.method": "NGram", "engine.args": ["--no-async-scheduling"]},
        {
            "speculation.method": "NGram",
            "engine.args": ["--async-scheduling", "--no-async-scheduling"],
        },
        {
            "speculation.method": "NGram",
            "engine.args": ["--async-scheduling"],
            "engine.image": LATER,
        },
    ],
)
def test_its_neighbours_are_not(changes: Object) -> None:
    assert DRIVER.validate(builders.spec(changes)) == ()


def test_the_tokenizer_of_another_model_has_a_remedy_that_exists() -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.args": ["--tokenizer=acme/other"]}))
    assert "beside the target's weights" in error.remedy
