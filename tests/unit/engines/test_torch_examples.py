"""The manifests in examples/torch: one for each method of the engine, none of them refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tandem_operator.api.spec import Spec
from tandem_operator.engines.torch import DRIVER
from tandem_operator.engines.torch.methods import METHODS

FOLDER = Path(__file__).parents[3] / "examples" / "torch"
MANIFESTS: dict[str, dict[str, Any]] = {
    path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yaml"))
}


def spec(manifest: dict[str, Any]) -> Spec:
    return Spec.model_validate(manifest["spec"])


def test_each_method_has_an_example() -> None:
    assert sorted(spec(each).speculation.method for each in MANIFESTS.values()) == sorted(METHODS)


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_is_taken_as_it_stands(name: str) -> None:
    assert DRIVER.validate(spec(MANIFESTS[name])) == ()
