"""Alerts of the chart, their pages, and what they and the dashboard ask for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from hack.generate import dashboard
from tandem_operator.api.conditions import REASONS, ConditionType
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.telemetry.resources import ResourceSeries
from tandem_runtime.contract import metrics as plugin

REPOSITORY = Path(__file__).parents[3]
RUNBOOKS = REPOSITORY / "docs" / "runbooks"
RULES: list[dict[str, Any]] = yaml.safe_load(
    (REPOSITORY / "charts" / "tandem" / "files" / "alerts.yaml").read_text()
)["groups"][0]["rules"]
EXPRESSIONS = [rule["expr"] for rule in RULES]
SUFFIXES = "_total|_count|_bucket|_sum"


def exported() -> set[str]:
    """Names of every series of the operator, and of the plugin."""
    metrics = Metrics("1")
    metrics.add(ResourceSeries(list, lambda key: None))
    own = set(re.findall(r"^# TYPE (\w+)", metrics.page().decode(), re.MULTILINE))
    theirs = {value for name, value in vars(plugin).items() if name.isupper() and _name(value)}
    return {re.sub(f"({SUFFIXES})$", "", name) for name in own | theirs}


def _name(value: object) -> bool:
    return isinstance(value, str) and value.startswith("tandem:")


def test_each_alert_has_a_page_that_says_what_to_do_and_no_page_is_left_over() -> None:
    names = [rule["alert"] for rule in RULES]
    pages = {file.stem for file in RUNBOOKS.glob("*.md")} - {"README"}

    assert sorted(names) == sorted(pages)
    for name in names:
        page = (RUNBOOKS / f"{name}.md").read_text()
        assert page.startswith(f"# {name}\n")
        for heading in ("Effect on requests", "Diagnose", "Fix"):
            assert f"\n## {heading}\n" in page, name
        assert f"[{name}]({name}.md)" in (RUNBOOKS / "README.md").read_text()


@pytest.mark.parametrize("expression", [*EXPRESSIONS, *dashboard.queries()])
def test_every_series_that_is_asked_for_is_exported(expression: str) -> None:
    asked = set(re.findall(r"tandem[_:]\w+", expression)) - {"tandem_dev_deployment"}

    assert asked
    assert {re.sub(f"({SUFFIXES})$", "", name) for name in asked} <= exported()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_condition_and_reason_that_is_asked_for_exists(expression: str) -> None:
    types = re.findall(r'type="(\w+)"', expression)
    assert set(types) <= {kind.value for kind in ConditionType}
    for kind in types:
        known = {reason.value for reason in REASONS[ConditionType(kind)]}
        assert set(re.findall(r'reason!="(\w+)"', expression)) <= known
