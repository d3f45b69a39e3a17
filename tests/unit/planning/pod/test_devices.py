"""Devices in spec.template: fewer than a pod's ranks take are refused, all else is the user's."""

from __future__ import annotations

from typing import Any

import pytest

from tandem_operator.api.spec import Spec
from tandem_operator.engines import registry
from tandem_operator.planning.pod import devices
from tests.unit.engines import builders
from tests.unit.planning import builders as resources
from tests.unit.planning.world import World

GPU = "nvidia.com/gpu"
TENSOR = {"parallelism.tensor": 4}
FIXED = {"tuning.mode": "Fixed", "speculation.constrainedOutput": "Allow"}
NEURON = {
    "speculation.method": "Eagle3",
    "engine.type": "Neuron",
    "engine.image": "aws/pytorch-inference-vllm-neuronx:0.24.0",
}


def template(limits: Any = None, requests: Any = None, **pod: Any) -> dict[str, Any]:
    amounts = {"limits": limits, "requests": requests}
    main = {
        "name": "main",
        "resources": {name: each for name, each in amounts.items() if each is not None},
    }
    return {"template": {"spec": {"containers": [{"name": "proxy"}, main], **pod}}}


def refusals(spec: Spec) -> list[str]:
    driver = registry.driver(spec.engine.type)
    assert registry.refusals(driver, spec) == ()
    return [str(each) for each in devices.validate(driver, spec)]


REFUSED = {
    "a limit below the ranks": (TENSOR, template({GPU: 1}), "limits", "takes 4 of them"),
    "as a number in quotes": (TENSOR, template({GPU: "2"}), "limits", "takes 4 of them"),
    "none at all": ({}, template({GPU: 0}), "limits", "takes 1 of them"),
    "limit and request": (TENSOR, template({GPU: 1}, {GPU: 1}), "limits", "takes 4 of them"),
    "a request alone": (TENSOR, template(None, {GPU: 1}), "requests", "takes 4 of them"),
    "data parallel copies": (
        {"parallelism.data": 2}, template({GPU: 1}), "limits", "takes 2 of them"),
    "each stage of a pipeline": (
        {"parallelism.tensor": 4, "parallelism.pipeline": 2, **FIXED}, template({GPU: 2}),
        "limits", "takes 4 of them"),
    "a whole pipeline in one pod": (
        {"parallelism.pipeline": 2, "accelerator.count": 2, **FIXED}, template({GPU: 1}),
        "limits", "takes 2 of them"),
    "the ranks of one pod of a group": (
        {"parallelism.tensor": 16, "accelerator.count": 8}, template({GPU: 4}),
        "limits", "takes 8 of them"),
    "another vendor": (
        {**TENSOR, "accelerator.resource": "amd.com/gpu"}, template({"amd.com/gpu": 1}),
        "limits", "takes 4 of them"),
    "a limit alone above": (TENSOR, template({GPU: 8}), "limits", "spec.accelerator.count: 8"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "asked", "name", "words"), REFUSED.values(), ids=REFUSED)
def test_too_few_or_unequal_are_refused_with_field_and_remedy(
    changes: dict[str, Any], asked: dict[str, Any], name: str, words: str
) -> None:
    (refusal,) = refusals(builders.spec({**changes, **asked}))

    assert refusal.startswith(f"spec.template.spec.containers[1].resources.{name}.")
    assert words in refusal


ALLOWED = {
    "no amount": (TENSOR, template({"memory": "8Gi"}, {"cpu": 4})),
    "no resources": (TENSOR, template()),
    "the same": (TENSOR, template({GPU: 4}, {GPU: "4"})),
    "more of both": (TENSOR, template({GPU: 8}, {GPU: 8})),
    "a stage of a pipeline": (
        {"parallelism.tensor": 2, "parallelism.pipeline": 2, **FIXED}, template({GPU: 2})),
    "a pod of a group": (
        {"parallelism.tensor": 16, "accelerator.count": 8}, template({GPU: 8}, {GPU: 8})),
    "parts of a device": (
        {**TENSOR, "accelerator.resource": "nvidia.com/mig-1g.10gb"},
        template({"nvidia.com/mig-1g.10gb": 2}, {"nvidia.com/mig-1g.10gb": 2})),
    "another resource beside": (TENSOR, template({"nvidia.com/mig-1g.10gb": 1})),
    "claims of devices": (
        TENSOR, template({GPU: 0}, {GPU: 0}, resourceClaims=[{"name": "gpus"}])),
    "chips of several cores": (
        {**NEURON, **TENSOR, **FIXED}, template({"aws.amazon.com/neuron": 1},
                                                {"aws.amazon.com/neuron": 1})),
    "a CPU": ({"accelerator.resource": "None"}, template({GPU: 0})),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "asked"), ALLOWED.values(), ids=ALLOWED)
def test_all_else_is_the_users(changes: dict[str, Any], asked: dict[str, Any]) -> None:
    assert refusals(builders.spec({**changes, **asked})) == []


def test_a_resource_with_too_few_is_stalled_and_starts_nothing() -> None:
    asked = template({GPU: 1}, {GPU: 1})
    world = World(resources.resource({**asked, "parallelism": {"tensor": 4}}))
    world.reconcile()

    assert world.condition("Stalled") == ("True", "InvalidTemplate")
    assert "limits.nvidia.com/gpu: 1: parallelism takes 4" in world.message("Stalled")
    assert world.all_of("Job") == []
