"""docs/support.md names the versions, engines and methods that the code has, and no others."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from hack.cluster.binaries import VERSION
from hack.cluster.clients import HELM_VERSION
from hack.generate.pages import support_page
from hack.vllm.environment import VLLM_VERSION
from tandem_operator.api.spec import EngineType
from tandem_operator.api.spec.speculation import Method
from tandem_operator.engines import registry
from tandem_operator.engines.interface.support import Support
from tandem_runtime.contract.engines.vllm_capabilities import LIVE_FROM, OLDEST, READ
from tests.unit.made_up import engine as made_up

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "support.md").read_text()
REFUSED = "refused"


def rows(section: str) -> list[list[str]]:
    """The cells of the section's rows, without those of headings."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    lines = re.findall(r"^\| (.*) \|$", text, re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines]


COLUMNS = [
    (engine, support) for engine in EngineType for support in registry.driver(engine).support
]
NAMED = [
    (method, engine, support, named)
    for engine, support in COLUMNS
    for method in Method
    for named in [method in support.methods]
]


@pytest.mark.parametrize(("method", "engine", "support", "named"), NAMED)
def test_a_driver_names_the_methods_that_it_takes_and_no_others(
    method: Method, engine: EngineType, support: Support, named: bool
) -> None:
    spec = support_page.spec_of(method, engine, support.server)
    refused = [each.field for each in registry.driver(engine).validate(spec)]

    assert ("spec.speculation.method" not in refused) == named, refused


def test_each_method_has_a_cell_for_each_engine_and_server() -> None:
    by_method = {cells[0].strip("`"): cells[1:] for cells in rows("Methods")[1:]}

    assert set(by_method) == {method.value for method in Method}
    for method, cells in by_method.items():
        refused = [cell == REFUSED for cell in cells]
        assert refused == [Method(method) not in support.methods for _, support in COLUMNS]


def test_the_engines_are_those_that_can_be_asked_for() -> None:
    by_engine = {
        name: cells for cells in rows("Engines") for name in re.findall(r"`(\w+)`", cells[0])
    }

    assert {engine.value for engine in EngineType} <= set(by_engine)


def test_a_driver_that_is_added_has_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.DRIVERS, EngineType.NEURON, lambda: made_up.DRIVER)

    assert "| `Neuron` | 1 | made up |" in support_page.engines()
    assert "made up; K live |" in support_page.methods()


def test_the_versions_of_vllm_are_those_of_the_code() -> None:
    versions = [cells[1] for cells in rows("Engines") if cells[0] == "`vLLM`"]
    oldest, live, newest = (
        f"{version[0]}.{version[1]}" for version in (OLDEST, LIVE_FROM, READ[-1])
    )
    fixed_until = f"{LIVE_FROM[0]}.{LIVE_FROM[1] - 1}"

    assert versions == [live, newest, "later", f"{oldest} to {fixed_until}", f"before {oldest}"]
    assert VLLM_VERSION.rpartition(".")[0] == live


def test_the_versions_of_kubernetes_and_helm_are_those_that_are_run() -> None:
    by_name = {cells[0]: cells[-1] for cells in rows("Kubernetes")}
    chart = yaml.safe_load((REPOSITORY / "charts" / "tandem" / "Chart.yaml").read_text())
    minor = VERSION.removeprefix("v").rpartition(".")[0]
    oldest = chart["kubeVersion"].removeprefix(">=").rpartition(".")[0]

    assert VERSION.removeprefix("v") in by_name[minor]
    assert f"before {oldest}" in by_name
    assert f"{HELM_VERSION} run" in PAGE
