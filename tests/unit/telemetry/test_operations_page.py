"""docs/operations.md tells of every metric of the operator, and of no other."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tandem_operator.reconcile.executor import CONTESTED
from tandem_operator.reconcile.lease import DURATION_S, MARGIN_S
from tandem_operator.telemetry.metrics import Metrics
from tandem_operator.telemetry.resources import ResourceSeries

PAGE = (Path(__file__).parents[3] / "docs" / "operations.md").read_text()


def test_the_table_has_each_metric_with_its_type() -> None:
    told = dict(re.findall(r"^\| `(tandem_\w+)` \| (\w+) \|", PAGE, re.MULTILINE))
    metrics = Metrics("1")
    metrics.add(ResourceSeries(list, lambda key: None))
    families = text_string_to_metric_families(metrics.page().decode())
    exported = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in families
        if not family.name.endswith("_created")
    }

    assert told == exported


def test_the_times_of_the_lease_are_those_of_the_code() -> None:
    assert f"unchanged for {DURATION_S} s" in PAGE
    assert f"no write {DURATION_S - MARGIN_S:.0f} s after its last renewal" in PAGE


def test_the_event_without_a_condition_is_told() -> None:
    assert f"`{CONTESTED}` (Warning)" in PAGE
