"""What vLLM is not asked to do: the field, its value and the way out are named."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.interface import field_error
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.vllm import DRIVER
from tandem_operator.engines.vllm.flags import OWNED_CONFIG_KEYS
from tandem_runtime.contract.report import MixtureOfExperts
from tests.unit.engines import builders

COMBINATION = StalledReason.UNSUPPORTED_COMBINATION
ARGUMENTS = StalledReason.INVALID_ARGUMENTS


LIVE = ("DraftModel", "Eagle", "Eagle3", "MTP", "NGram", "DFlash", "DSpark")


@pytest.mark.parametrize("method", LIVE)
def test_methods_whose_depth_is_looked_up_are_accepted_and_live(method: str) -> None:
    spec = builders.spec({"speculation.method": method})

    assert DRIVER.validate(spec) == ()
    assert DRIVER.live_mode(spec) is LiveMode.LOOKUP


@pytest.mark.parametrize("method", ["Suffix", "Medusa"])
def test_methods_of_fixed_depth_are_trimmed_and_cannot_be_bypassed(method: str) -> None:
    allowing = {"speculation.method": method, "speculation.constrainedOutput": "Allow"}
    assert DRIVER.validate(builders.spec(allowing)) == ()
    assert DRIVER.live_mode(builders.spec(allowing)) is LiveMode.TRIM

    (error,) = DRIVER.validate(builders.spec({"speculation.method": method}))
    assert (error.reason, error.field) == (COMBINATION, "spec.speculation.constrainedOutput")
    assert error.value == "Bypass"
    assert "constrainedOutput: Allow" in error.remedy


def test_a_method_that_vllm_lacks_is_refused_with_those_that_it_has() -> None:
    changes = {"speculation.method": "LayerSkip", "speculation.layerSkip": {"exitLayer": 4}}
    (error,) = DRIVER.validate(builders.spec(changes))

    assert (error.reason, error.field) == (COMBINATION, "spec.speculation.method")
    assert error.value == "LayerSkip"
    assert "DraftModel" in error.remedy
    assert "LayerSkip" not in error.remedy


def test_triton_in_front_of_vllm_is_refused() -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.server": "Triton"}))

    assert (error.reason, error.field, error.value) == (
        COMBINATION,
        "spec.engine.server",
        "Triton",
    )


@pytest.mark.parametrize("key", OWNED_CONFIG_KEYS)
def test_a_key_of_the_speculative_configuration_that_is_the_operators_is_refused(key: str) -> None:
    (error,) = DRIVER.validate(builders.spec({"speculation.engineConfig": {key: True}}))

    assert error.reason is ARGUMENTS
    assert error.field == f"spec.speculation.engineConfig.{key}"
    assert error.value == "true"
    assert error.remedy == OWNED_CONFIG_KEYS[key]


@pytest.mark.parametrize(
    "config",
    [
        {"disable_padded_drafter_batch": True},
        {"rejection_sample_method": "block", "max_model_len": 4096},
    ],
)
def test_other_keys_pass(config: dict[str, Any]) -> None:
    assert DRIVER.validate(builders.spec({"speculation.engineConfig": config})) == ()


def test_accepting_what_the_target_does_not_confirm_is_refused() -> None:
    config = {"rejection_sample_method": "synthetic", "synthetic_acceptance_length": 3.0}
    refusals = DRIVER.validate(builders.spec({"speculation.engineConfig": config}))

    assert {each.field.rpartition(".")[2] for each in refusals} == set(config)
    assert {each.reason for each in refusals} == {ARGUMENTS}


@pytest.mark.parametrize("image", ["vllm/vllm-openai:v0.32.0", "vllm/vllm-openai:v0.33.0"])
@pytest.mark.parametrize("key", ["rejection_sample_method", "rejection-sample-method"])
def test_a_lossy_way_of_rejection_is_refused_whatever_the_release(image: str, key: str) -> None:
    config = {key: "fly", "fly_window_size": 2}
    refusals = DRIVER.validate(
        builders.spec({"speculation.engineConfig": config, "engine.image": image})
    )

    assert {each.field.rpartition(".")[2] for each in refusals} == set(config)
    assert all("the target does not confirm" in f"{each}" for each in refusals)


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONPATH",
        "VLLM_PLUGINS",
        "VLLM_SERVER_DEV_MODE",
        "VLLM_TARGET_DEVICE",
        "VLLM_USE_RUST_FRONTEND",
        "VLLM_USE_V2_MODEL_RUNNER",
        "PROMETHEUS_MULTIPROC_DIR",
        "HF_HUB_OFFLINE",
        "HF_TOKEN",
        "TANDEM_LOCK",
        "TANDEM_TABLE_FILE",
    ],
)
def test_a_variable_of_the_operator_is_refused(name: str) -> None:
    env = [{"name": "VLLM_LOGGING_LEVEL", "value": "INFO"}, {"name": name, "value": "x"}]
    (error,) = DRIVER.validate(builders.spec({"engine.env": env}))

    assert error == FieldError(
        ARGUMENTS, "spec.engine.env[1].name", name, "the operator sets this variable", "remove it"
    )


def test_an_option_and_its_value_are_two_words() -> None:
    spec = builders.spec({"engine.args": ["--enforce-eager", "--max-model-len 4096"]})
    (error,) = DRIVER.validate(spec)

    assert (error.reason, error.field) == (ARGUMENTS, "spec.engine.args[1]")
    assert error.remedy == "write two entries, or --option=value"


@pytest.mark.parametrize(
    "words",
    [
        ["--max-model-len", "4096"],
        ['--default-chat-template-kwargs={ "enable_thinking": false }'],
        ["--chat-template", "{% if x %} a -- b {% endif %}"],
        ["--allowed-origins", '[ "*" ]'],
    ],
)
def test_a_value_may_hold_spaces(words: list[str]) -> None:
    assert DRIVER.validate(builders.spec({"engine.args": words})) == ()


@pytest.mark.parametrize("argument", ["$(OWN)", "--$(OWN)", "--mod$(OWN)el=x", "-$(OWN).a=1"])
def test_an_argument_that_a_variable_could_make_any_option_is_refused(argument: str) -> None:
    (error,) = DRIVER.validate(builders.spec({"engine.args": ["--seed=1", argument]}))

    assert (error.reason, error.field, error.value) == (
        ARGUMENTS,
        "spec.engine.args[1]",
        argument,
    )
    assert "--option=$(NAME)" in error.remedy


def test_a_variable_may_be_the_value_of_an_option() -> None:
    assert DRIVER.validate(builders.spec({"engine.args": ["--max-model-len=$(LENGTH)"]})) == ()


def test_everything_wrong_is_told_at_once() -> None:
    changes = {
        "engine.server": "Triton",
        "engine.args": ["--model", "x", "--port=1"],
        "engine.env": [{"name": "HF_HOME", "value": "/x"}],
        "speculation.engineConfig": {"method": "ngram"},
    }

    assert {each.field for each in DRIVER.validate(builders.spec(changes))} == {
        "spec.engine.server",
        "spec.engine.args[0]",
        "spec.engine.args[2]",
        "spec.engine.env[0].name",
        "spec.speculation.engineConfig.method",
    }


@pytest.mark.parametrize(
    ("data", "mixture", "refused"), [(1, True, False), (2, False, False), (2, True, True)]
)
def test_a_mixture_of_experts_over_data_parallel_ranks_is_refused_once_it_is_seen(
    data: int, mixture: bool, refused: bool
) -> None:
    target = {"mixture_of_experts": MixtureOfExperts(8, 2)} if mixture else {}
    spec = builders.spec({"parallelism.data": data})
    refusals = DRIVER.validate_pair(spec, builders.report(target=target))

    assert [(each.reason, each.field, each.value) for each in refusals.refusals] == (
        [(COMBINATION, "spec.parallelism.data", "2")] if refused else []
    )


def test_a_long_value_is_cut_and_more_than_ten_findings_are_counted() -> None:
    long = FieldError(ARGUMENTS, "spec.engine.args[0]", "x" * 500, "wrong", "remove it")
    message = field_error.message_of((long,) * 12)

    assert "x" * 117 + "..." in message
    assert "x" * 118 not in message
    assert message.endswith("and 2 more")
