"""vLLM on Neuron: EAGLE-3 with the K of its start; the rest is refused with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.api.conditions import StalledReason
from tandem_operator.api.spec import Method
from tandem_operator.api.status import LiveMode
from tandem_operator.engines.neuron import DRIVER
from tandem_operator.engines.neuron.methods import LACKING, METHODS
from tests.unit.engines import builders
from tests.unit.engines.sglang.builders import FIXED, spec

HEAD = {"speculation.method": "Eagle3", "engine.type": "Neuron", **FIXED}


def asked(changes: dict[str, Any] | None = None) -> Any:
    return spec(Method.EAGLE3, changes, engine="Neuron")


def test_the_container_of_a_head_on_the_cores_of_a_node() -> None:
    args = ["--additional-config", '{"neuron_config": {"quantization": "bf16"}}']
    parts = DRIVER.render(
        builders.launch(
            {**HEAD, "parallelism.tensor": 32, "accelerator.count": 16, "engine.args": args}
        )
    )
    container = parts.leader.container

    assert container["args"] == [
        "--", "vllm", "serve", "/models/target", "--served-model-name=chat", "--host=0.0.0.0",
        "--port=8000", "--tensor-parallel-size=32",
        '--speculative-config={"method": "eagle3", "model": "/models/draft", '
        '"num_speculative_tokens": 7}',
        *args,
    ]  # fmt: skip
    assert container["resources"]["limits"] == {"aws.amazon.com/neuron": "16"}
    assert parts.tiers == (7,)


def test_without_speculation_no_draft_is_compiled() -> None:
    parts = DRIVER.render(builders.launch(HEAD, without_speculation=True))

    assert not [word for word in parts.leader.container["args"] if "speculative" in word]
    assert parts.tiers == (0,)


def test_k_changes_by_rollout_alone() -> None:
    deep, flat = (
        DRIVER.render(builders.launch({**HEAD, "speculation.maxTokens": k})) for k in (5, 3)
    )

    assert deep.leader.container["args"] != flat.leader.container["args"]
    assert DRIVER.live_mode(asked()) is LiveMode.ROLLOUT
    assert DRIVER.validate(asked()) == ()
    assert DRIVER.validate(asked({"tuning.mode": "Observe"})) == ()
    assert DRIVER.validate(asked({"tuning.mode": "Auto"})) == ()


def test_each_other_method_is_refused_with_its_reason() -> None:
    assert set(METHODS) | set(LACKING) == set(Method)
    for method, (message, remedy) in LACKING.items():
        (error,) = [
            each
            for each in DRIVER.validate(spec(method, engine="Neuron"))
            if each.field == "spec.speculation.method"
        ]
        assert (error.message, error.remedy) == (message, remedy)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"tuning.mode": "Auto", "tuning.policy": "Thresholds"}, "spec.tuning.policy"),
        (
            {"tuning.mode": "Auto", "tuning.objective.timePerOutputTokenMs": 40},
            "spec.tuning.objective.timePerOutputTokenMs",
        ),
        (
            {"tuning.mode": "Auto", "tuning.objective.timeToFirstTokenMs": 500},
            "spec.tuning.objective.timeToFirstTokenMs",
        ),
        ({"tuning.mode": "Auto", "tuning.maxTokens": 3}, "spec.tuning.maxTokens"),
        ({"tuning.mode": "Auto", "tuning.onDecay": "Redeploy"}, "spec.tuning.onDecay"),
        ({"speculation.constrainedOutput": "Bypass"}, "spec.speculation.constrainedOutput"),
        ({"accelerator.resource": "None"}, "spec.accelerator.resource"),
        ({"parallelism.data": 2}, "spec.parallelism.data"),
        ({"parallelism.pipeline": 2}, "spec.parallelism.pipeline"),
        ({"speculation.engineConfig": {"enforce_eager": True}}, "spec.speculation.engineConfig."),
        ({"engine.args": ["--speculative-config={}"]}, "spec.engine.args[0]"),
        ({"tuning.offMode": "Redeploy"}, "spec.tuning.offMode"),
    ],
)
def test_what_it_cannot_do_is_refused(changes: dict[str, Any], field: str) -> None:
    (error,) = DRIVER.validate(asked(changes))

    assert error.field.startswith(field)


@pytest.mark.parametrize(
    ("tag", "old"),
    [
        ("0.16.0-neuronx-py312-sdk2.29.0-ubuntu24.04", True),
        ("0.24.0-neuronx-py312-sdk2.32.0-ubuntu24.04", False),
        ("latest", False),
    ],
)
def test_images_before_the_plugin_with_eagle3_are_refused(tag: str, old: bool) -> None:
    image = f"public.ecr.aws/neuron/pytorch-inference-vllm-neuronx:{tag}"
    refusals = DRIVER.validate(asked({"engine.image": image}))

    assert [each.reason for each in refusals] == [StalledReason.UNSUPPORTED_ENGINE] * old
