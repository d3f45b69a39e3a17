"""docs/support.md names the versions, engines and methods that the code has, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from hack.cluster.binaries import HELM, VERSION
from hack.vllm.environment import VLLM_VERSION
from tandem_operator.api.spec import EngineType
from tandem_operator.api.spec.speculation import Method
from tandem_operator.engines.registry import driven
from tandem_operator.engines.torch.methods import METHODS as TORCH
from tandem_operator.engines.vllm.methods import METHODS as VLLM
from tandem_runtime.contract.vllm_capabilities import LIVE_FROM, OLDEST, READ

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "support.md").read_text()
REFUSED = "refused"


def rows(section: str) -> list[list[str]]:
    """The cells of the section's rows, without those of headings."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


def test_the_methods_are_those_of_the_engines() -> None:
    told = {cells[0].strip("`"): cells[1:] for cells in rows("Methods")[1:]}

    assert set(told) == {method.value for method in Method}
    for method in Method:
        on_vllm, on_torch = told[method.value]
        assert (on_vllm == REFUSED) == (method not in VLLM), method
        assert (on_torch == REFUSED) == (method not in TORCH), method


def test_the_engines_are_those_that_can_be_asked_for() -> None:
    told = {name: cells for cells in rows("Engines") for name in re.findall(r"`(\w+)`", cells[0])}

    assert set(told) == {engine.value for engine in EngineType}
    for engine in EngineType:
        refused = "`UnsupportedEngine`" in told[engine.value][-1]
        assert refused == (engine not in driven()), engine


def test_the_versions_of_vllm_are_those_of_the_code() -> None:
    told = [cells[1] for cells in rows("Engines") if cells[0] == "`vLLM`"]
    oldest, live, newest = (
        f"{version[0]}.{version[1]}" for version in (OLDEST, LIVE_FROM, READ[-1])
    )
    fixed_until = f"{LIVE_FROM[0]}.{LIVE_FROM[1] - 1}"

    assert told == [live, newest, "later", f"{oldest} to {fixed_until}", f"before {oldest}"]
    assert VLLM_VERSION.rpartition(".")[0] == live


def test_the_versions_of_kubernetes_and_helm_are_those_that_are_run() -> None:
    told = {cells[0]: cells[-1] for cells in rows("Kubernetes")}
    chart = yaml.safe_load((REPOSITORY / "charts" / "tandem" / "Chart.yaml").read_text())
    minor = VERSION.removeprefix("v").rpartition(".")[0]
    oldest = chart["kubeVersion"].removeprefix(">=").rpartition(".")[0]

    assert VERSION.removeprefix("v") in told[minor]
    assert f"before {oldest}" in told
    assert f"{HELM.rpartition('@v')[2]} run" in PAGE
