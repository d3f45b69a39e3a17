"""Every cell of the table of engines and methods, with every way to ask for K and devices.

Each combination is rendered, or refused with reason, field, value and a remedy. Where it is taken,
what it asks for has an effect: the oracle is written here, not read from the rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest

from tandem_operator.api.spec import EngineServer, EngineType, Method, Spec
from tandem_operator.api.status import LiveMode
from tandem_operator.engines import registry
from tandem_operator.engines.interface import nodes
from tandem_operator.engines.interface.field_error import FieldError
from tandem_operator.engines.interface.launch import Launch
from tests.unit.engines.builders import INSTALLATION, report

Object = dict[str, Any]
NATIVE, TRITON = EngineServer.NATIVE, EngineServer.TRITON
IMAGES = {
    EngineType.VLLM: (
        "vllm/vllm-openai:v0.32.0", "vllm/vllm-openai:v0.33.0", "vllm/vllm-openai:v0.28.0"),
    EngineType.TENSORRT_LLM: ("nvcr.io/nvidia/tensorrt-llm/release:1.3.0rc29",),
    EngineType.SGLANG: ("lmsysorg/sglang:v0.5.23",),
    EngineType.NEURON: ("aws/pytorch-inference-vllm-neuronx:0.24.0-neuronx-py312",),
    EngineType.TORCH: ("registry.example.com/tandem-triton:0.1.0",),
}  # fmt: skip
SERVERS = [
    *((engine, NATIVE) for engine in EngineType),
    (EngineType.TENSORRT_LLM, TRITON),
    (EngineType.TORCH, TRITON),
]
HEADS = {Method.DRAFT_MODEL, Method.EAGLE, Method.EAGLE3, Method.MEDUSA, Method.DFLASH}
TAKEN = {
    EngineType.VLLM: set(Method) - {Method.LAYER_SKIP},
    EngineType.TENSORRT_LLM: {Method.DRAFT_MODEL, Method.EAGLE3, Method.MTP, Method.N_GRAM},
    EngineType.SGLANG: {
        Method.DRAFT_MODEL, Method.EAGLE, Method.EAGLE3, Method.MTP, Method.N_GRAM},
    EngineType.NEURON: {Method.EAGLE3},
    EngineType.TORCH: {Method.DRAFT_MODEL, Method.N_GRAM, Method.LAYER_SKIP},
}  # fmt: skip
"""The table, as the product's page has it."""
ENDS_AT_START = {(Method.SUFFIX, "V2"), (Method.MEDUSA, "V2"), (Method.DSPARK, "V1")}
"""Methods of vLLM without a drafter in a runner."""
TUNING = [
    {"mode": mode, "offMode": off, "onDecay": decay}
    for mode, off, decay in product(
        ("Auto", "Observe", "Fixed"), ("Idle", "Redeploy"), ("Report", "Restart", "Redeploy")
    )
]
DEVICES: list[Object] = [
    {},
    {"tensor": 2},
    {"pipeline": 2},
    {"data": 2},
]
RESOURCES = (None, "None", "nvidia.com/gpu", "amd.com/gpu", "aws.amazon.com/neuron", "x.io/part")
ASKED = [
    *product(TUNING, (None, "None")),
    *product(({"mode": "Auto"}, {"mode": "Fixed"}), RESOURCES[2:]),
]
SENTENCE = re.compile(r"[A-Za-z0-9'-].*[^.;: ]$")
REMEDY = re.compile(r"^(set|use|remove|leave|name|build|lower|add|write)\b")


def specs(engine: EngineType, server: EngineServer, method: Method) -> Iterator[Spec]:
    """One cell with everything that may be asked beside."""
    runners = (None, "V1", "V2") if engine is EngineType.VLLM else (None,)
    for image, runner in product(IMAGES[engine], runners):
        for (tuning, resource), output, devices in product(ASKED, ("Bypass", "Allow"), DEVICES):
            asked: Object = {
                "target": {"uri": "hf://org/target"},
                "speculation": {"method": method, "constrainedOutput": output},
                "engine": {"type": engine, "image": image},
                "parallelism": devices,
                "tuning": tuning,
            }
            if server is TRITON or engine is EngineType.TENSORRT_LLM:
                asked["engine"]["server"] = server
            if method in HEADS:
                asked["draft"] = {"uri": "hf://org/draft"}
            if method is Method.LAYER_SKIP:
                asked["speculation"]["layerSkip"] = {"exitLayer": 4}
            if runner is not None:
                asked["engine"]["modelRunner"] = runner
            if resource is not None:
                asked["accelerator"] = {"resource": resource}
            yield Spec.model_validate(asked)


@cache
def answered(
    engine: EngineType, server: EngineServer, method: Method
) -> list[tuple[Spec, tuple[FieldError, ...]]]:
    """Each spec of a cell with what is refused of it."""
    driver = registry.driver(engine)
    return [(spec, registry.refusals(driver, spec)) for spec in specs(engine, server, method)]


def value_at(spec: Spec, path: str) -> Any:
    """What the manifest has at the path of a refusal."""
    found: Any = spec.model_dump(by_alias=True)
    for name in path.removeprefix("spec.").split("."):
        found = found[name]
    return found


CELLS = [(*engine, method) for engine in SERVERS for method in Method]


@pytest.mark.parametrize(("engine", "server", "method"), CELLS)
def test_a_cell_is_taken_or_its_method_is_refused(
    engine: EngineType, server: EngineServer, method: Method
) -> None:
    answers = [refusals for _, refusals in answered(engine, server, method)]
    by_method = ["spec.speculation.method" in {each.field for each in one} for one in answers]

    if method in TAKEN[engine]:
        assert () in answers
        gone = engine is EngineType.VLLM and method is Method.MEDUSA
        assert any(by_method) == gone
    else:
        assert all(by_method)


@pytest.mark.parametrize(("engine", "server", "method"), CELLS)
def test_a_refusal_names_a_field_of_the_manifest_its_value_and_what_to_do(
    engine: EngineType, server: EngineServer, method: Method
) -> None:
    for spec, refusals in answered(engine, server, method):
        for refusal in refusals:
            assert str(value_at(spec, refusal.field)) == refusal.value, refusal
            assert SENTENCE.match(refusal.message), refusal
            assert REMEDY.match(refusal.remedy), refusal
            assert refusal.reason in ("UnsupportedCombination", "UnsupportedEngine"), refusal


@pytest.mark.parametrize(
    ("engine", "server", "method"), [cell for cell in CELLS if cell[2] in TAKEN[cell[0]]]
)
def test_what_is_taken_has_an_effect_and_is_rendered(
    engine: EngineType, server: EngineServer, method: Method
) -> None:
    driver = registry.driver(engine)
    rendered = set()
    for spec, refusals in answered(engine, server, method):
        if refusals:
            continue
        live = driver.live_mode(spec) is not LiveMode.ROLLOUT
        by_rollout = engine is EngineType.NEURON
        tuning, runner = spec.tuning, spec.engine.model_runner
        assert live or by_rollout or tuning.mode != "Auto", spec
        assert live or spec.speculation.constrained_output == "Allow", spec
        assert live or tuning.off_mode == "Idle", spec
        assert live or tuning.on_decay != "Redeploy", spec
        assert engine is not EngineType.SGLANG or tuning.on_decay == "Report", spec
        assert spec.parallelism.data == 1 or engine is EngineType.VLLM, spec
        pods = nodes.of(driver, spec)
        assert pods == spec.parallelism.pipeline, spec
        assert pods == 1 or tuning.off_mode == "Idle", spec
        if not str(spec.engine.image).endswith("v0.28.0"):
            assert (method, runner) not in ENDS_AT_START, spec
        shown = (spec.engine.image, runner, spec.parallelism, spec.accelerator)
        if str(shown) in rendered:
            continue
        rendered.add(str(shown))
        launch = Launch("chat", spec, "0" * 16, "{}", INSTALLATION, report(alone=True))
        parts = driver.render(launch)
        main = parts.leader.container
        amounts = main.get("resources", {}).get("limits", {})
        resource = launch.values.accelerator_resource
        assert amounts == ({} if resource is None else {resource: str(_each(spec))}), spec
        assert (len(parts.tiers) > 1) == (live or engine is EngineType.TENSORRT_LLM), spec


def _each(spec: Spec) -> int:
    return spec.parallelism.tensor * spec.parallelism.data


def test_an_engine_asks_for_no_device_that_it_is_not_built_for() -> None:
    taken = {
        (engine, spec.accelerator.resource)
        for engine, server in SERVERS
        for method in TAKEN[engine]
        for spec, refusals in answered(engine, server, method)
        if not refusals
    }

    assert {engine for engine, resource in taken if resource == "aws.amazon.com/neuron"} == {
        EngineType.NEURON
    }
    assert EngineType.NEURON not in {
        engine
        for engine, resource in taken
        if resource in ("nvidia.com/gpu", "amd.com/gpu", "None")
    }
    assert (EngineType.TENSORRT_LLM, "amd.com/gpu") not in taken
    assert {engine for engine, resource in taken if resource == "x.io/part"} == set(EngineType)
