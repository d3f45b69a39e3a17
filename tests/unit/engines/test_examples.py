"""The manifests in examples/: one for each method of an engine, none of them refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tandem_operator.api.spec import EngineType, Method, Spec
from tandem_operator.engines import registry

EXAMPLES = Path(__file__).parents[3] / "examples"
FOLDERS = {
    "vllm": EngineType.VLLM,
    "sglang": EngineType.SGLANG,
    "neuron": EngineType.NEURON,
    "torch": EngineType.TORCH,
}
WITHOUT = {Method.DSPARK}
"""Methods of which no published head is known here."""
MANIFESTS: dict[str, dict[str, Any]] = {
    f"{folder}/{path.name}": yaml.safe_load(path.read_text())
    for folder in FOLDERS
    for path in sorted((EXAMPLES / folder).glob("*.yaml"))
}


def spec(name: str) -> Spec:
    return Spec.model_validate(MANIFESTS[name]["spec"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_method_has_an_example(folder: str) -> None:
    methods = {spec(name).speculation.method for name in MANIFESTS if name.startswith(folder)}

    assert methods == set(registry.driver(FOLDERS[folder]).support[0].methods) - WITHOUT


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_is_taken_as_it_stands(name: str) -> None:
    asked = spec(name)

    assert asked.engine.type is FOLDERS[name.partition("/")[0]]
    assert registry.driver(asked.engine.type).validate(asked) == ()
