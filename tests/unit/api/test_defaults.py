"""Defaults that follow from other fields."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.api import defaults
from tandem_operator.api.spec import ModelSource
from tests.unit.api import builders

CASES: tuple[tuple[dict[str, Any], str, Any], ...] = (
    ({}, "served_name", "chat"),
    ({"target.servedName": "gpt"}, "served_name", "gpt"),
    ({}, "initial_tokens", 3),
    ({"speculation.maxTokens": 2}, "initial_tokens", 2),
    ({"speculation.initialTokens": 0}, "initial_tokens", 0),
    ({}, "tuning_max_tokens", 7),
    ({"tuning.maxTokens": 0}, "tuning_max_tokens", 0),
    ({}, "lock_policy", "SameVocabulary"),
    ({"speculation.method": "Eagle3"}, "lock_policy", "TargetDeclared"),
    (
        {"speculation.method": "Eagle3", "tokenizerLock.policy": "Skip"},
        "lock_policy",
        "Skip",
    ),
    ({}, "engine_server", "Native"),
    ({"engine.type": "TensorRTLLM"}, "engine_server", "Triton"),
    ({}, "accelerator_resource", "nvidia.com/gpu"),
    ({"engine.type": "Neuron"}, "accelerator_resource", "aws.amazon.com/neuron"),
    ({"engine.type": "Torch"}, "accelerator_resource", None),
    ({"accelerator.resource": "None"}, "accelerator_resource", None),
    ({"accelerator.resource": "amd.com/gpu"}, "accelerator_resource", "amd.com/gpu"),
    ({}, "accelerator_count", 1),
    ({"parallelism": {"tensor": 4, "data": 2}}, "accelerator_count", 8),
    ({"parallelism": {"tensor": 2, "pipeline": 2}}, "accelerator_count", 2),
    ({"parallelism": {"tensor": 2, "pipeline": 3, "data": 2}}, "accelerator_count", 4),
    ({"parallelism": {"tensor": 4}, "accelerator.count": 8}, "accelerator_count", 8),
    ({"parallelism": {"tensor": 2, "pipeline": 3, "data": 2}}, "accelerators_per_replica", 12),
    ({"parallelism": {"tensor": 4}, "accelerator.count": 2}, "accelerators_per_replica", 4),
    (
        {
            "parallelism": {"tensor": 4},
            "accelerator.count": 2,
            "accelerator.resource": "nvidia.com/mig-1g.5gb",
        },
        "accelerators_per_replica",
        2,
    ),
    ({"parallelism": {"tensor": 4}, "accelerator.count": 8}, "accelerators_per_replica", 8),
    ({"accelerator.resource": "None", "parallelism": {"tensor": 4}}, "accelerators_per_replica", 0),
    ({"accelerator.resource": "None", "parallelism": {"tensor": 4}}, "accelerator_count", 0),
)


@pytest.mark.parametrize(("changes", "name", "value"), CASES)
def test_the_value_in_force(changes: dict[str, Any], name: str, value: Any) -> None:
    assert getattr(defaults.effective(builders.spec(changes), "chat"), name) == value


@pytest.mark.parametrize(
    ("source", "revision"),
    [
        ({"uri": "hf://org/model"}, "main"),
        ({"uri": "hf://org/model", "revision": "v1"}, "v1"),
        ({"uri": "pvc://models/target"}, None),
    ],
)
def test_only_a_hub_has_a_branch(source: dict[str, str], revision: str | None) -> None:
    assert defaults.revision(ModelSource.model_validate(source)) == revision
