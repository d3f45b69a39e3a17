"""Where K cannot change nobody is told that it does: what would change it is refused, by field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.engines.vllm.image import version_of
from tandem_runtime.contract.model_facts import ModelFacts
from tests.unit.engines import builders
from tests.unit.engines.builders import Object

OLD = {"engine.image": "vllm/vllm-openai:v0.28.0"}
KEPT = {"tuning.mode": "Fixed", "speculation.constrainedOutput": "Allow"}
ADAPTIVE = {
    "speculation.method": "DSpark",
    "speculation.engineConfig": {"enable_adaptive_verification": True},
}
FIXED = {
    "an older vLLM": (OLD, "0.32 or later"),
    "a pipeline": ({"parallelism.pipeline": 2}, "parallelism.pipeline: 1"),
    "adaptive verification": (ADAPTIVE, "remove enable_adaptive_verification"),
    "blocks in V1": (
        {"speculation.method": "DFlash", "engine.modelRunner": "V1"},
        "remove engine.modelRunner",
    ),
}


@pytest.mark.parametrize(("changes", "way"), FIXED.values(), ids=FIXED)
def test_tuning_and_bypass_are_refused_where_k_cannot_change_and_the_way_out_is_told(
    changes: Object, way: str
) -> None:
    refusals = DRIVER.validate(builders.spec(changes))

    assert {each.field for each in refusals} == {
        "spec.tuning.mode",
        "spec.speculation.constrainedOutput",
    }
    assert {each.reason for each in refusals} == {StalledReason.UNSUPPORTED_COMBINATION}
    (mode,) = [each for each in refusals if each.field == "spec.tuning.mode"]
    assert "tuning.mode: Fixed" in mode.remedy
    assert way in mode.remedy


@pytest.mark.parametrize(("changes", "way"), FIXED.values(), ids=FIXED)
def test_such_an_engine_is_served_once_nothing_asks_for_another_k(
    changes: Object, way: str
) -> None:
    spec = builders.spec({**changes, **KEPT})

    assert DRIVER.validate(spec) == ()
    assert DRIVER.live_mode(spec) is LiveMode.ROLLOUT


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("speculation.initialTokens", 3),
        ("tuning.maxTokens", 0),
        ("tuning.maxTokens", 3),
        ("tuning.thresholds.maxConcurrency", 8),
        ("tuning.segments", [{"name": "code", "maxTokens": 3}]),
        ("tuning.offMode", "Redeploy"),
        ("tuning.onDecay", "Redeploy"),
    ],
)
def test_a_limit_of_k_that_could_not_act_is_refused(field: str, value: object) -> None:
    (error,) = DRIVER.validate(builders.spec({**OLD, **KEPT, field: value}))

    assert error.field == f"spec.{field}"
    assert "K cannot change" in error.message


@pytest.mark.parametrize(
    "changes",
    [
        {"speculation.initialTokens": 7},
        {"tuning.maxTokens": 7},
        {"tuning.mode": "Observe"},
        {"tuning.thresholds.minAcceptanceRatePercent": 40},
    ],
)
def test_what_leaves_k_as_it_is_passes(changes: Object) -> None:
    assert DRIVER.validate(builders.spec({**OLD, **KEPT, **changes})) == ()


OTHER_RUNNER = {
    "Suffix in V2": ({"speculation.method": "Suffix", "engine.modelRunner": "V2"}, "modelRunner"),
    "Medusa in V2": ({"speculation.method": "Medusa", "engine.modelRunner": "V2"}, "modelRunner"),
    "DSpark in V1": ({"speculation.method": "DSpark", "engine.modelRunner": "V1"}, "modelRunner"),
    "mapped vocabularies in V2": (
        {
            "speculation.engineConfig": {"use-heterogeneous-vocab": True},
            "engine.modelRunner": "V2",
        },
        "modelRunner",
    ),
    "DSpark on a CPU": (
        {"speculation.method": "DSpark", "accelerator.resource": "None"},
        "a GPU",
    ),
}


@pytest.mark.parametrize(("changes", "remedy"), OTHER_RUNNER.values(), ids=OTHER_RUNNER)
def test_a_runner_without_the_methods_drafter_is_refused_even_with_a_fixed_k(
    changes: Object, remedy: str
) -> None:
    (refusal,) = DRIVER.validate(builders.spec({**KEPT, **changes}))

    assert refusal.field in ("spec.engine.modelRunner", "spec.accelerator.resource")
    assert "in model runner V" in refusal.message
    assert remedy in refusal.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"speculation.method": "Suffix", "engine.modelRunner": "V1"},
        {"speculation.method": "DSpark", "engine.modelRunner": "V2"},
        {"speculation.method": "DSpark"},
        {"speculation.method": "NGram", "engine.modelRunner": "V1"},
        {"speculation.method": "NGram", "engine.modelRunner": "V2"},
        {"speculation.engineConfig": {"use_heterogeneous_vocab": True}},
    ],
)
def test_a_runner_that_has_it_passes(changes: Object) -> None:
    assert DRIVER.validate(builders.spec({**KEPT, **changes})) == ()


def test_a_method_that_is_gone_names_the_last_release_that_has_it() -> None:
    changes = {"speculation.method": "Medusa", "engine.image": "vllm/vllm-openai:v0.33.0"}
    (refusal,) = DRIVER.validate(builders.spec({**KEPT, **changes}))

    assert refusal.field == "spec.speculation.method"
    assert refusal.message == "vLLM has no Medusa after 0.32"
    assert "an image of vLLM 0.32" in refusal.remedy


def test_a_vllm_that_runs_code_unasked_is_refused_whatever_else_is_said() -> None:
    (error,) = DRIVER.validate(builders.spec({**KEPT, "engine.image": "vllm/vllm-openai:v0.17.1"}))

    assert (error.reason, error.field) == (
        StalledReason.UNSUPPORTED_ENGINE,
        "spec.engine.image",
    )


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("vllm/vllm-openai:v0.32.0", (0, 32)),
        ("vllm/vllm-openai:v0.32.0-cu129", (0, 32)),
        ("docker.io/vllm/vllm-openai:v0.31.0@sha256:" + "0" * 64, (0, 31)),
        ("mirror.example:5000/llm/vllm-openai:0.28.1", (0, 28)),
        ("public.ecr.aws/x/vllm-cpu-release-repo:v0.10.1.1", (0, 10)),
        ("rocm/vllm:v0.30.0", (0, 30)),
        ("vllm/vllm-openai:latest", None),
        ("vllm/vllm-openai:nightly-0.28.0", None),
        ("vllm/vllm-openai", None),
        ("vllm/vllm-openai@sha256:" + "0" * 64, None),
        ("nvcr.io/nvidia/vllm:25.09-py3", None),
        ("team/chat-server:0.3.1", None),
        ("team/vllm-chat:0.3.1", None),
        ("registry.example:5000/vllm", None),
        (None, None),
    ],
)
def test_only_vllms_own_names_and_versions_tell_which_vllm_it_is(
    image: str | None, version: tuple[int, int] | None
) -> None:
    assert version_of(image) == version


@pytest.mark.parametrize("image", ["team/engine:0.3.1", "vllm/vllm-openai:latest"])
def test_an_image_that_does_not_tell_its_version_is_taken_as_it_is(image: str) -> None:
    spec = builders.spec({"engine.image": image})

    assert DRIVER.validate(spec) == ()
    assert DRIVER.live_mode(spec) is LiveMode.LOOKUP


def test_a_vllm_that_nobody_has_read_is_live_as_the_last_one_that_was() -> None:
    later = {"engine.image": "vllm/vllm-openai:v0.40.0"}

    assert DRIVER.validate(builders.spec(later)) == ()
    assert DRIVER.live_mode(builders.spec({**later, "speculation.method": "Eagle3"})) is (
        LiveMode.LOOKUP
    )
    # The plugin keeps a drafter to K only in a vLLM whose drafter it knows.
    assert DRIVER.live_mode(builders.spec(later)) is LiveMode.TRIM


def test_medusa_is_refused_once_vllm_has_none() -> None:
    changes = {"speculation.method": "Medusa", "speculation.constrainedOutput": "Allow"}
    assert DRIVER.validate(builders.spec(changes)) == ()

    gone = {**changes, **KEPT, "engine.image": "vllm/vllm-openai:v0.33.0"}
    (error,) = DRIVER.validate(builders.spec(gone))
    assert (error.field, error.value) == ("spec.speculation.method", "Medusa")


def test_mamba_layers_are_judged_once_the_lock_has_seen_them() -> None:
    mamba = ModelFacts(hybrid=True, model_type="nemotron_h")
    report = replace(builders.report(), target=replace(builders.report().target, facts=mamba))
    refusals = DRIVER.validate_pair(builders.spec(), report).refusals
    kept = DRIVER.validate_pair(builders.spec(KEPT), report).refusals

    assert {each.field for each in refusals} == {
        "spec.tuning.mode",
        "spec.speculation.constrainedOutput",
    }
    assert all("Mamba" in each.message for each in refusals)
    assert kept == ()


def test_what_the_spec_alone_showed_is_not_told_again_with_the_pair() -> None:
    assert DRIVER.validate_pair(builders.spec(OLD), builders.report()).refusals == ()
